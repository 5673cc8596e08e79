import API
import Domain
import Runtime
import Testing

struct LimitSettingsTests {
    private func limits(_ flags: [SettingKey: String]) throws -> Limits {
        try Limits(
            SettingReader(for: .api, flags: flags.merging([.masterKey: "k"]) { flag, _ in flag }, environment: [:]))
    }

    @Test func `The defaults of the settings are those of the contract`() throws {
        #expect(try self.limits([:]) == Limits())
    }

    @Test func `Q-24, Q-27: Every limit moves with its setting`() throws {
        let set = try self.limits([
            .limitsPageQueues: "1", .limitsPageMessages: "2", .limitsPageSubscriptions: "3", .limitsClaimMessages: "4",
            .limitsQueueMetadata: "64", .limitsPostSize: "256", .limitsMessageTTL: "61", .limitsMessageDelay: "7",
            .limitsClaimTTL: "62", .limitsClaimGrace: "63", .defaultsMessageTTL: "60", .defaultsMessageDelay: "5",
            .defaultsClaimTTL: "61", .defaultsClaimGrace: "62", .defaultsSubscriptionTTL: "64",
        ])
        var limits = Limits()
        (limits.queuePageMax, limits.messagePageMax, limits.subscriptionPageMax) = (1, 2, 3)
        (limits.claimMessagesMax, limits.queueMetadataBytesMax, limits.postBytesMax) = (4, 64, 256)
        (limits.messageTTLMax, limits.messageDelayMax, limits.claimTTLMax, limits.claimGraceMax) = (61, 7, 62, 63)
        (limits.messageTTLDefault, limits.messageDelayDefault) = (60, 5)
        (limits.claimTTLDefault, limits.claimGraceDefault, limits.subscriptionTTLDefault) = (61, 62, 64)
        #expect(set == limits)
    }

    @Test(arguments: [
        [SettingKey.limitsMessageTTL: "60"], [.defaultsMessageDelay: "901"], [.defaultsClaimTTL: "43201"],
        [.limitsClaimGrace: "60", .defaultsClaimGrace: "61"],
    ])
    func `A default beyond its limit stops the start`(flags: [SettingKey: String]) {
        #expect(throws: SettingError.self) { try self.limits(flags) }
    }
}
