import API
import Domain
import Runtime
import Testing

struct LimitSettingsTests {
    private func limits(_ flags: [Setting: String]) throws -> Limits {
        try Limits(
            SettingReader(
                for: .api, flags: flags.merging([Setting.masterKey: "k"]) { flag, _ in flag }, environment: [:]))
    }

    @Test func `The defaults of the settings are those of the contract`() throws {
        #expect(try self.limits([:]) == Limits())
    }

    @Test func `Q-24, Q-27: Every limit moves with its setting`() throws {
        let set = try self.limits([
            Setting.limitsPageQueues: "1", Setting.limitsPageMessages: "2", Setting.limitsPageSubscriptions: "3",
            Setting.limitsClaimMessages: "4",
            Setting.limitsQueueMetadata: "64", Setting.limitsPostSize: "256", Setting.limitsMessageTTL: "61",
            Setting.limitsMessageDelay: "7",
            Setting.limitsClaimTTL: "62", Setting.limitsClaimGrace: "63", Setting.defaultsMessageTTL: "60",
            Setting.defaultsMessageDelay: "5",
            Setting.defaultsClaimTTL: "61", Setting.defaultsClaimGrace: "62", Setting.defaultsSubscriptionTTL: "64",
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
        [Setting.limitsMessageTTL: "60"], [Setting.defaultsMessageDelay: "901"], [Setting.defaultsClaimTTL: "43201"],
        [Setting.limitsClaimGrace: "60", Setting.defaultsClaimGrace: "61"],
    ])
    func `A default beyond its limit stops the start`(flags: [Setting: String]) {
        #expect(throws: SettingError.self) { try self.limits(flags) }
    }
}
