import API
import Domain
import Redis
import Settings
import Testing

struct LimitSettingsTests {
    private func limits(_ flags: [Setting: String]) throws -> Limits {
        try Limits(
            SettingReader(
                for: .api, flags: flags.merging([Setting.masterKey: "k"]) { flag, _ in flag }, environment: [:]))
    }

    @Test func `The defaults of the settings are those of the Messaging API`() throws {
        #expect(try self.limits([:]) == Limits())
    }

    @Test func `Q-24, Q-27: Every limit moves with its setting`() throws {
        let set = try self.limits([
            Setting.limitsPageQueues: "1", Setting.limitsPageMessages: "2", Setting.limitsPageSubscriptions: "3",
            Setting.limitsClaimMessages: "4",
            Setting.limitsQueueMetadata: "64", Setting.limitsPostSize: "256", Setting.limitsPostMessages: "8",
            Setting.limitsMessageTTL: "61",
            Setting.limitsMessageDelay: "7",
            Setting.limitsClaimTTL: "62", Setting.limitsClaimGrace: "63", Setting.defaultsMessageTTL: "60",
            Setting.defaultsMessageDelay: "5",
            Setting.defaultsClaimTTL: "61", Setting.defaultsClaimGrace: "62", Setting.defaultsSubscriptionTTL: "64",
        ])
        var limits = Limits()
        (limits.queuePageMax, limits.messagePageMax, limits.subscriptionPageMax) = (1, 2, 3)
        (limits.claimMessagesMax, limits.queueMetadataBytesMax, limits.postBytesMax) = (4, 64, 256)
        limits.postMessagesMax = 8
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

    /// A full page, and one more than that: the second setting is what makes it too much.
    @Test(
        arguments: [
            ([Setting.limitsPageMessages: "239"], nil, nil),
            ([Setting.limitsPageMessages: "240"], Setting.limitsPageMessages, "limits.post.size 262144"),
            ([Setting.limitsPageMessages: "7000", Setting.limitsPostSize: "7000"], nil, nil),
            (
                [Setting.limitsPageMessages: "7000", Setting.limitsPostSize: "8000"], Setting.limitsPageMessages,
                "limits.post.size 8000"
            ),
            ([Setting.limitsClaimMessages: "100", Setting.limitsPostSize: "600000"], nil, nil),
            (
                [Setting.limitsClaimMessages: "100", Setting.limitsPostSize: "700000"], Setting.limitsClaimMessages,
                "limits.post.size 700000"
            ),
            ([Setting.limitsPageQueues: "240"], nil, nil),
            ([Setting.limitsQueueMetadata: "16777216", Setting.limitsPageQueues: "3"], nil, nil),
            ([Setting.limitsQueueMetadata: "16777216"], Setting.limitsPageQueues, "limits.queue.metadata 16777216"),
            ([Setting.limitsPageSubscriptions: "119"], nil, nil),
        ] as [([Setting: String], Setting?, String?)])
    func `A page that would not fit into a reply of Redis stops the start, and both settings are named`(
        flags: [Setting: String], named: Setting?, other: String?
    ) {
        do {
            _ = try self.limits(flags)
            #expect(named == nil)
        } catch {
            let words = "\(error)"
            #expect(named.map { words.hasPrefix("\($0): ") } == true, "\(words)")
            #expect(other.map { words.contains($0) } == true, "\(words)")
            #expect(!words.contains("\n"))
        }
    }

    @Test(arguments: [
        (Setting.limitsPostSize, "917505"), (Setting.limitsPageMessages, "7001"), (Setting.limitsPageQueues, "241"),
        (Setting.limitsPageSubscriptions, "120"), (Setting.limitsClaimMessages, "101"),
    ])
    func `A limit that no script or reply can hold is not allowed at all`(setting: Setting, value: String) {
        #expect(throws: SettingError.self) { try self.limits([setting: value]) }
    }

    @Test func `The fullest page and the fullest lease of deliveries fit into a reply of Redis`() throws {
        guard case .integer(let post) = Setting.limitsPostSize.shape else {
            Issue.record("the size of a post is a number")
            return
        }
        // A call stops with the record that makes it 4 MiB to send (lib_leasing.lua, delivery_take.lua).
        #expect((4 << 20) + post.upperBound + 1024 <= RedisLimits.replyBytesMax)
        #expect(Limits.pageBytesMax + (1 << 20) <= RedisLimits.replyBytesMax)
        guard case .integer(let messages) = Setting.limitsPageMessages.shape,
            case .integer(let queues) = Setting.limitsPageQueues.shape,
            case .integer(let subscriptions) = Setting.limitsPageSubscriptions.shape
        else {
            Issue.record("the size of a page is a number")
            return
        }
        // Lua's `unpack` fails near 8,000 values, and some of them are keys.
        #expect(messages.upperBound <= 7_900)
        // No other setting raises the bound of these, so what is beyond is no value at all.
        #expect(queues.upperBound == Limits.pageBytesMax / Limits.queueMetadataStoredBytesMin)
        #expect(subscriptions.upperBound == Limits.pageBytesMax / PageBounds.subscriptionBytesMax)
    }
}
