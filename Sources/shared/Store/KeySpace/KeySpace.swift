import Domain
import Redis

// The only file that spells a key. `docs/redis.md` says of each what is in it, who writes it, and how long it lives.
//
// A key is made of words in lower case with `-` between, and of names. Names come from callers and may hold anything, so
// each key has at most one of them that is not bounded by its own alphabet, and that one comes last or between fixed
// texts: no two keys can be spelled alike.

/// The keys of a deployment: its own, those of every shard, and the shard of every queue.
struct KeySpace: Sendable {
    private let spread: Shards
    let shards: [ShardKeys]

    init(_ spread: Shards) {
        self.spread = spread
        self.shards = spread.tags.map { ShardKeys(tag: $0) }
    }

    func number(of queue: QueueAddress) -> Int { self.spread.shard(of: queue) }

    func shard(of queue: QueueAddress) -> ShardKeys { self.shards[self.number(of: queue)] }
}

/// Keys that belong to the deployment or to a project, not to a shard.
extension KeySpace {
    // All in one slot: one script has to see them together.

    /// What tells this store from every other one.
    static let identity = key(control + "identity")
    /// The number of shards this Redis was first used with.
    static let shardCount = key(control + "shards")
    /// The secret behind the ids of this deployment.
    static let idKey = key(control + "id-key")
    /// The format of what the store keeps.
    static let format = key(control + "format")
    /// What the settings that all processes must share are recognised by.
    static let fingerprints = key(control + "fingerprints")
    /// The processes of the deployment: what each says of itself, when it counts as ended, and the one that exports metrics.
    static let processes = key(control + "processes")
    static let processExpiries = key(control + "process-expiries")
    static let exporter = key(control + "metrics-exporter")
    /// Written to learn whether Redis takes writes.
    static let probe = key(control + "probe")

    /// Counts the changes of pools and flavors.
    static let poolVersion = key(control + "pool-version")
    static let pools = key(control + "pools")
    static let flavors = key(control + "flavors")
    /// How many queues are registered at each pool.
    static let poolCounts = key(control + "pool-queue-counts")
    /// The queues that move to another pool.
    static let queueMoves = key(control + "queue-moves")

    /// The projects that have queues.
    static let projects = key(control + "projects")

    /// The names of a project's queues.
    static func queueNames(of project: ProjectID) -> RedisKey { Self.key("\(Self.control)queues:\(project.text)") }

    /// The pool of each of a project's queues that does not live in the default store.
    static func queuePools(of project: ProjectID) -> RedisKey { Self.key("\(Self.control)queue-pools:\(project.text)") }

    /// The pool that the name of a dead-letter queue is kept for.
    static func reservations(of project: ProjectID) -> RedisKey {
        Self.key("\(Self.control)reserved-names:\(project.text)")
    }

    /// The names of a project's topics, and what is set on each.
    static func topicNames(of project: ProjectID) -> RedisKey { Self.key("\(Self.control)topics:\(project.text)") }
    static func topicMetadata(of project: ProjectID) -> RedisKey {
        Self.key("\(Self.control)topic-metadata:\(project.text)")
    }

    /// The confirmation requests of one kind that a project sent to an address lately, or has waiting.
    static func confirmations(from project: ProjectID, to address: String) -> RedisKey {
        Self.key("\(Self.control)confirmations:\(project.text.utf8.count):\(project.text):\(address)")
    }

    /// Those that all projects together sent to a mail address in the last day, or have waiting.
    static func dailyConfirmations(to address: String) -> RedisKey {
        Self.key("\(Self.control)daily-confirmations:\(address)")
    }

    /// The mail addresses a project sends nothing to: why, and the order in which that was decided.
    static func suppressions(of project: ProjectID) -> RedisKey {
        Self.key("\(Self.control)suppressions:\(project.text)")
    }
    static func suppressionOrder(of project: ProjectID) -> RedisKey {
        Self.key("\(Self.control)suppression-order:\(project.text)")
    }

    /// The deliveries of a project to an address in the last hour.
    static func addressTimes(of project: ProjectID, to address: String) -> RedisKey {
        Self.key("\(Self.control)address-times:\(project.text.utf8.count):\(project.text):\(address)")
    }

    /// The days on which mail to an address came back for now.
    static func bounceDays(of project: ProjectID, to address: String) -> RedisKey {
        Self.key("\(Self.control)bounce-days:\(project.text.utf8.count):\(project.text):\(address)")
    }

    /// An API key, and all of them in the order of their projects.
    static func apiKey(_ id: APIKeyID) -> RedisKey { Self.key("\(Self.control)api-key:\(id.text)") }
    static let apiKeyOrder = key(control + "api-key-order")

    /// The limits that a project has of its own.
    static func projectLimits(of project: ProjectID) -> RedisKey {
        Self.key("\(Self.control)project-limits:\(project.text)")
    }

    /// The version of a project's signing key.
    static func signingKey(of project: ProjectID) -> RedisKey { Self.key("\(Self.control)signing-key:\(project.text)") }

    /// How many connections of a project each process has.
    static func connections(of project: ProjectID) -> RedisKey {
        Self.key("\(Self.control)connections:\(project.text)")
    }

    /// The tokens that are left for the posts of a project.
    static func postTokens(of project: ProjectID) -> RedisKey {
        Self.key("\(Self.control)post-tokens:\(project.text)")
    }

    /// The API nodes that have sessions, and until when each counts as living.
    static let sessionNodes = key(control + "session-nodes")
    /// The subscriptions of a node's sessions.
    static func sessionSubscriptions(of node: String) -> RedisKey {
        Self.key("\(Self.control)session-subscriptions:\(node)")
    }

    /// The notifications for the sessions of a node, and the bytes of them by node.
    static func sessionInbox(of node: String) -> RedisKey { Self.key("\(Self.control)session-inbox:\(node)") }
    static let sessionInboxBytes = key(control + "session-inbox-bytes")

    /// Which session has the name of a subscription.
    static func sessionName(_ name: SessionName, of queue: QueueAddress) -> RedisKey {
        Self.key("\(Self.control)session-name:\(queue.key):\(name.text)")
    }

    /// How the attempts of a notifier at sessions ended.
    static func sessionOutcomes(of notifier: String) -> RedisKey {
        Self.key("\(Self.control)session-outcomes:\(notifier)")
    }

    private static let control = "herald:{control}:"
    private static let slot = KeySlot(ofTag: "control")

    private static func key(_ text: String) -> RedisKey { RedisKey(text, in: self.slot) }
}

/// Keys of one shard.
///
/// All carry its hash tag, so that they lie in one Cluster slot.
///
/// A class, because it is looked up for every call: a struct of as many texts would be copied text by text.
final class ShardKeys: Sendable {
    /// What every key of the shard begins with; scripts build the keys of subscriptions and projects from it.
    let prefix: String
    let lastPosition: RedisKey
    let fanoutProjects: RedisKey
    let fanoutPages: RedisKey
    let wakeup: RedisKey
    let queueSweeps: RedisKey
    let subscriptions: RedisKey
    let subscriptionHeaders: RedisKey
    let subscriptionExpiries: RedisKey
    let pacing: RedisKey
    let leases: RedisKey
    let begunAttempts: RedisKey
    let turns: RedisKey
    let payloads: RedisKey
    let payloadReferences: RedisKey
    let payloadExpiries: RedisKey
    let waitingCounts: RedisKey
    let deliverySweeps: RedisKey
    let deliverySweepMarks: RedisKey
    let expiredCounts: RedisKey
    let readyProjects: RedisKey
    let moves: RedisKey
    let arrivals: RedisKey
    let waitingConfirmations: RedisKey
    let attemptCounts: RedisKey
    let trusts: RedisKey
    let endedTrusts: RedisKey
    /// Written to learn whether the server that has the shard takes writes, where there are several.
    let probe: RedisKey
    /// A channel: which queues that are waited for may have messages.
    let queueSignals: RedisKey

    private let slot: KeySlot

    init(tag: String) {
        let (prefix, slot) = ("herald:{\(tag)}:", KeySlot(ofTag: tag))
        func key(_ text: String) -> RedisKey { RedisKey(text, in: slot) }
        self.prefix = prefix
        self.slot = slot
        self.lastPosition = key(prefix + "last-position")
        self.fanoutProjects = key(prefix + "fanout-projects")
        self.fanoutPages = key(prefix + "fanout-pages")
        self.wakeup = key(prefix + "wakeup")
        self.queueSweeps = key(prefix + "queue-sweeps")
        self.subscriptions = key(prefix + "subscriptions")
        self.subscriptionHeaders = key(prefix + "subscription-headers")
        self.subscriptionExpiries = key(prefix + "subscription-expiries")
        self.pacing = key(prefix + "pacing")
        self.leases = key(prefix + "leases")
        self.begunAttempts = key(prefix + "begun-attempts")
        self.turns = key(prefix + "turns")
        self.payloads = key(prefix + "payloads")
        self.payloadReferences = key(prefix + "payload-references")
        self.payloadExpiries = key(prefix + "payload-expiries")
        self.waitingCounts = key(prefix + "waiting-counts")
        self.deliverySweeps = key(prefix + "delivery-sweeps")
        self.deliverySweepMarks = key(prefix + "delivery-sweep-marks")
        self.expiredCounts = key(prefix + "expired-counts")
        self.readyProjects = key(prefix + "ready-projects")
        self.moves = key(prefix + "moves")
        self.arrivals = key(prefix + "arrivals")
        self.waitingConfirmations = key(prefix + "waiting-confirmations")
        self.attemptCounts = key(prefix + "attempt-counts")
        self.trusts = key(prefix + "trusts")
        self.endedTrusts = key(prefix + "ended-trusts")
        self.probe = key(prefix + "probe")
        self.queueSignals = key(prefix + Channel.queueSignals.rawValue)
    }

    func queue(_ queue: QueueAddress) -> QueueKeys { QueueKeys(stem: self.text(.queue, queue.key), slot: self.slot) }
    func meta(_ queue: QueueAddress) -> RedisKey { self.queue(queue).meta }
    func waited(_ queue: QueueAddress) -> RedisKey { self.key(.waited, queue.key) }
    func subscriptionOrder(_ queue: QueueAddress) -> RedisKey { self.key(.subscriptionOrder, queue.key) }
    func subscriberAddresses(_ queue: QueueAddress) -> RedisKey { self.key(.subscriberAddresses, queue.key) }
    func events(of queue: QueueAddress) -> RedisKey { self.key(.events, queue.key) }
    func fanoutQueues(of project: ProjectID) -> RedisKey { self.key(.fanoutQueues, project.text) }
    func heldSubscriptions(_ hold: String) -> RedisKey { self.key(.heldSubscriptions, hold) }
    func deadLetters(of queue: QueueAddress) -> RedisKey { self.key(.deadLetters, queue.key) }
    func deadLetterEntries(of queue: QueueAddress) -> RedisKey { self.key(.deadLetterEntries, queue.key) }
    func deadLetterRecords(of queue: QueueAddress) -> RedisKey { self.key(.deadLetterRecords, queue.key) }
    func deadLetterBytes(of project: ProjectID) -> RedisKey { self.key(.deadLetterBytes, project.text) }
    func deadLetterOldest(of project: ProjectID) -> RedisKey { self.key(.deadLetterOldest, project.text) }
    /// The keys by which posts are known again, and when each of them ends.
    func postKeys(of queue: QueueAddress) -> RedisKey { self.key(.postKeys, queue.key) }
    func postKeyExpiries(of queue: QueueAddress) -> RedisKey { self.key(.postKeyExpiries, queue.key) }
    func usage(of project: ProjectID) -> RedisKey { self.key(.usage, project.text) }
    func readySubscriptions(of project: ProjectID) -> RedisKey { self.key(.readySubscriptions, project.text) }
    func due(_ subscription: SubscriptionID) -> RedisKey { self.key(.due, subscription.text) }
    func attemptLog(_ subscription: SubscriptionID) -> RedisKey { self.key(.attemptLog, subscription.text) }

    /// Everything that is named for a queue and moves with it, in the order in which `queue_close.lua` takes it.
    func named(_ queue: QueueAddress) -> [RedisKey] {
        self.queue(queue).all + [
            self.subscriptionOrder(queue), self.subscriberAddresses(queue), self.events(of: queue),
            self.deadLetters(of: queue), self.deadLetterEntries(of: queue), self.deadLetterRecords(of: queue),
            self.postKeys(of: queue), self.postKeyExpiries(of: queue),
        ]
    }

    /// The same of a queue that is closed.
    func closed(_ queue: QueueAddress) -> [RedisKey] { self.named(queue).map(self.closed) }
    func closedEvents(_ queue: QueueAddress) -> RedisKey { self.closed(self.events(of: queue)) }
    func closedOrder(_ queue: QueueAddress) -> RedisKey { self.closed(self.subscriptionOrder(queue)) }

    private func closed(_ key: RedisKey) -> RedisKey {
        self.key(.closed, String(key.text.dropFirst(self.prefix.count)))
    }

    private func key(_ family: KeyFamily, _ name: String) -> RedisKey {
        RedisKey(self.text(family, name), in: self.slot)
    }

    private func text(_ family: KeyFamily, _ name: String) -> String { "\(self.prefix)\(family.rawValue):\(name)" }
}

/// Keys of one queue.
struct QueueKeys: Sendable {
    private let stem: String
    private let slot: KeySlot

    /// - Parameters:
    ///   - stem: What all of them begin with.
    ///   - slot: Of their hash tag.
    init(stem: String, slot: KeySlot) {
        self.stem = stem
        self.slot = slot
    }

    var meta: RedisKey { self.key(.meta) }
    var log: RedisKey { self.key(.log) }
    var expiries: RedisKey { self.key(.expiries) }
    var delayed: RedisKey { self.key(.delayed) }
    var clientRuns: RedisKey { self.key(.clientRuns) }
    var states: RedisKey { self.key(.states) }
    var aliases: RedisKey { self.key(.aliases) }
    var aliasExpiries: RedisKey { self.key(.aliasExpiries) }

    /// All of them, in the order in which `lib_queue.lua` names them.
    var all: [RedisKey] { QueuePart.allCases.map { self.key($0) } }

    private func key(_ part: QueuePart) -> RedisKey { RedisKey("\(self.stem):\(part.rawValue)", in: self.slot) }
}

/// Keys of which a shard has one for each queue, project or subscription, whose name stands behind the word and a colon.
private enum KeyFamily: String, CaseIterable {
    case queue = "queue"
    case waited = "waited"
    case subscriptionOrder = "subscription-order"
    case subscriberAddresses = "subscriber-addresses"
    case events = "events"
    case fanoutQueues = "fanout-queues"
    case due = "due"
    case readySubscriptions = "ready-subscriptions"
    case heldSubscriptions = "held-subscriptions"
    case attemptLog = "attempt-log"
    case deadLetters = "dead-letters"
    case deadLetterEntries = "dead-letter-entries"
    case deadLetterRecords = "dead-letter-records"
    case deadLetterBytes = "dead-letter-bytes"
    case deadLetterOldest = "dead-letter-oldest"
    case postKeys = "post-keys"
    case postKeyExpiries = "post-key-expiries"
    case usage = "usage"
    case closed = "closed"
}

/// What the keys of a queue end with, in the order in which `lib_queue.lua` names them.
private enum QueuePart: String, CaseIterable {
    case meta = "meta"
    case log = "log"
    case expiries = "expiries"
    case claimed = "claimed"
    case freed = "freed"
    case delayed = "delayed"
    case states = "states"
    case claims = "claims"
    case claimExpiries = "claim-expiries"
    case aliases = "aliases"
    case aliasExpiries = "alias-expiries"
    case clientRuns = "client-runs"
}

/// What scripts publish to.
private enum Channel: String, CaseIterable {
    case queueSignals = "queue-signals"
}

extension KeySpace {
    /// The queue that one of some keys is named for; nil: none is.
    static func queue(namedIn keys: [RedisKey]) -> QueueAddress? {
        for key in keys {
            let parts = key.text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count == 4, let family = KeyFamily(rawValue: String(parts[2])) else { continue }
            var name = parts[3]
            switch family {
            case .queue: name = name[..<(name.lastIndex(of: ":") ?? name.startIndex)]
            case .subscriptionOrder, .subscriberAddresses, .events, .deadLetters, .deadLetterEntries,
                .deadLetterRecords, .postKeys, .postKeyExpiries:
                break
            case .waited, .fanoutQueues, .due, .readySubscriptions, .heldSubscriptions, .attemptLog, .deadLetterBytes,
                .deadLetterOldest, .usage, .closed:
                continue
            }
            if let queue = QueueAddress(key: Array(name.utf8)[...]) { return queue }
        }
        return nil
    }
}

extension KeySpace {
    /// A part of a script with the words of keys in place of their names: `KEYS_DUE` stands for `'due:'`, `PART_META` for
    /// `':meta'`, `CHANNEL_QUEUE_SIGNALS` for `'queue-signals'`.
    ///
    /// Texts instead of variables, of which a script may have 200.
    static func spelled(_ lua: [UInt8]) -> [UInt8] {
        var words: [Substring: String] = [:]
        for family in KeyFamily.allCases { words["KEYS_" + luaName(family.rawValue)] = "'\(family.rawValue):'" }
        for part in QueuePart.allCases { words["PART_" + luaName(part.rawValue)] = "':\(part.rawValue)'" }
        for channel in Channel.allCases { words["CHANNEL_" + luaName(channel.rawValue)] = "'\(channel.rawValue)'" }
        let text = String(decoding: lua, as: UTF8.self).replacing(#/\b(?:KEYS|PART|CHANNEL)_[A-Z_]+/#) { name in
            guard let word = words[name.output] else { preconditionFailure("\(name.output) is the name of no key") }
            return word
        }
        return Array(text.utf8)
    }

    private static func luaName(_ word: String) -> Substring {
        Substring(word.uppercased().split(separator: "-").joined(separator: "_"))
    }
}
