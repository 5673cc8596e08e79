import Domain

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
    static let identity = control + "identity"
    /// The number of shards this Redis was first used with.
    static let shardCount = control + "shards"
    /// The secret behind the ids of this deployment.
    static let idKey = control + "id-key"
    /// The format of what the store keeps.
    static let format = control + "format"
    /// What the settings that all processes must share are recognised by.
    static let fingerprints = control + "fingerprints"
    /// The processes of the deployment: what each says of itself, when it counts as ended, and the one that exports metrics.
    static let processes = control + "processes"
    static let processExpiries = control + "process-expiries"
    static let exporter = control + "exporter"
    /// Written to learn whether Redis takes writes.
    static let probe = control + "probe"

    /// Counts the changes of pools and flavors.
    static let poolVersion = control + "pool-version"
    static let pools = control + "pools"
    static let flavors = control + "flavors"
    /// How many queues are registered at each pool.
    static let poolCounts = control + "pool-queue-counts"

    /// The names of a project's queues.
    static func queueNames(of project: ProjectID) -> String { "\(Self.control)queues:\(project.text)" }

    /// The pool of each of a project's queues that does not live in the default store.
    static func queuePools(of project: ProjectID) -> String { "\(Self.control)queue-pools:\(project.text)" }

    /// The pool that the name of a dead-letter queue is kept for.
    static func reservations(of project: ProjectID) -> String { "\(Self.control)reserved-names:\(project.text)" }

    /// The names of a project's topics, and what is set on each.
    static func topicNames(of project: ProjectID) -> String { "\(Self.control)topics:\(project.text)" }
    static func topicMetadata(of project: ProjectID) -> String { "\(Self.control)topic-metadata:\(project.text)" }

    /// The confirmation requests of one kind that a project sent to an address lately, or has waiting.
    static func confirmations(from project: ProjectID, to address: String) -> String {
        "\(Self.control)confirmations:\(project.text.utf8.count):\(project.text):\(address)"
    }

    /// Those that all projects together sent to a mail address in the last day, or have waiting.
    static func dailyConfirmations(to address: String) -> String { "\(Self.control)daily-confirmations:\(address)" }

    /// The mail addresses a project sends nothing to: why, and the order in which that was decided.
    static func suppressions(of project: ProjectID) -> String { "\(Self.control)suppressions:\(project.text)" }
    static func suppressionOrder(of project: ProjectID) -> String { "\(Self.control)suppression-order:\(project.text)" }

    private static let control = "herald:{control}:"
}

/// Keys of one shard.
///
/// All carry its hash tag, so that they lie in one Cluster slot.
///
/// A class, because it is looked up for every call: a struct of as many texts would be copied text by text.
final class ShardKeys: Sendable {
    /// What every key of the shard begins with; scripts build the keys of subscriptions and projects from it.
    let prefix: String
    let lastPosition: String
    let fanoutProjects: String
    let fanoutPages: String
    let wakeup: String
    let queueSweeps: String
    let subscriptions: String
    let subscriptionHeaders: String
    let subscriptionExpiries: String
    let pacing: String
    let leases: String
    let begunAttempts: String
    let turns: String
    let payloads: String
    let payloadReferences: String
    let payloadExpiries: String
    let waitingCounts: String
    let deliverySweeps: String
    let deliverySweepMarks: String
    let expiredCounts: String
    let readyProjects: String
    let moves: String
    let arrivals: String
    let waitingConfirmations: String
    let attemptCounts: String

    init(tag: String) {
        self.prefix = "herald:{\(tag)}:"
        self.lastPosition = self.prefix + "last-position"
        self.fanoutProjects = self.prefix + "fanout-projects"
        self.fanoutPages = self.prefix + "fanout-pages"
        self.wakeup = self.prefix + "wakeup"
        self.queueSweeps = self.prefix + "queue-sweeps"
        self.subscriptions = self.prefix + "subscriptions"
        self.subscriptionHeaders = self.prefix + "subscription-headers"
        self.subscriptionExpiries = self.prefix + "subscription-expiries"
        self.pacing = self.prefix + "pacing"
        self.leases = self.prefix + "leases"
        self.begunAttempts = self.prefix + "begun-attempts"
        self.turns = self.prefix + "turns"
        self.payloads = self.prefix + "payloads"
        self.payloadReferences = self.prefix + "payload-references"
        self.payloadExpiries = self.prefix + "payload-expiries"
        self.waitingCounts = self.prefix + "waiting-counts"
        self.deliverySweeps = self.prefix + "delivery-sweeps"
        self.deliverySweepMarks = self.prefix + "delivery-sweep-marks"
        self.expiredCounts = self.prefix + "expired-counts"
        self.readyProjects = self.prefix + "ready-projects"
        self.moves = self.prefix + "moves"
        self.arrivals = self.prefix + "arrivals"
        self.waitingConfirmations = self.prefix + "waiting-confirmations"
        self.attemptCounts = self.prefix + "attempt-counts"
    }

    func queue(_ queue: QueueAddress) -> QueueKeys { QueueKeys(stem: self.key(.queue, queue.key)) }
    func meta(_ queue: QueueAddress) -> String { self.queue(queue).meta }
    func subscriptionOrder(_ queue: QueueAddress) -> String { self.key(.subscriptionOrder, queue.key) }
    func subscriberAddresses(_ queue: QueueAddress) -> String { self.key(.subscriberAddresses, queue.key) }
    func events(of queue: QueueAddress) -> String { self.key(.events, queue.key) }
    func fanoutQueues(of project: ProjectID) -> String { self.key(.fanoutQueues, project.text) }
    func deadLetters(of queue: QueueAddress) -> String { self.key(.deadLetters, queue.key) }
    func deadLetterEntries(of queue: QueueAddress) -> String { self.key(.deadLetterEntries, queue.key) }
    func deadLetterRecords(of queue: QueueAddress) -> String { self.key(.deadLetterRecords, queue.key) }
    func deadLetterBytes(of project: ProjectID) -> String { self.key(.deadLetterBytes, project.text) }
    func deadLetterOldest(of project: ProjectID) -> String { self.key(.deadLetterOldest, project.text) }

    private func key(_ family: KeyFamily, _ name: String) -> String { "\(self.prefix)\(family.rawValue):\(name)" }
}

/// Keys of one queue.
struct QueueKeys: Sendable {
    private let stem: String

    /// - Parameter stem: What all of them begin with.
    init(stem: String) { self.stem = stem }

    var meta: String { self.key(.meta) }
    var log: String { self.key(.log) }
    var expiries: String { self.key(.expiries) }
    var delayed: String { self.key(.delayed) }
    var clientRuns: String { self.key(.clientRuns) }
    var aliases: String { self.key(.aliases) }
    var aliasExpiries: String { self.key(.aliasExpiries) }

    /// All of them, in the order in which `lib_queue.lua` names them.
    var all: [String] { QueuePart.allCases.map { self.key($0) } }

    private func key(_ part: QueuePart) -> String { "\(self.stem):\(part.rawValue)" }
}

/// Keys of which a shard has one for each queue, project or subscription, whose name stands behind the word and a colon.
private enum KeyFamily: String, CaseIterable {
    case queue = "queue"
    case subscriptionOrder = "subscription-order"
    case subscriberAddresses = "subscriber-addresses"
    case events = "events"
    case fanoutQueues = "fanout-queues"
    case due = "due"
    case readySubscriptions = "ready-subscriptions"
    case attemptLog = "attempt-log"
    case deadLetters = "dead-letters"
    case deadLetterEntries = "dead-letter-entries"
    case deadLetterRecords = "dead-letter-records"
    case deadLetterBytes = "dead-letter-bytes"
    case deadLetterOldest = "dead-letter-oldest"
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

extension KeySpace {
    /// A part of a script with the words of keys in place of their names: `KEYS_DUE` stands for `'due:'`, `PART_META` for
    /// `':meta'`.
    ///
    /// Texts instead of variables, of which a script may have 200.
    static func spelled(_ lua: [UInt8]) -> [UInt8] {
        var words: [Substring: String] = [:]
        for family in KeyFamily.allCases { words["KEYS_" + luaName(family.rawValue)] = "'\(family.rawValue):'" }
        for part in QueuePart.allCases { words["PART_" + luaName(part.rawValue)] = "':\(part.rawValue)'" }
        let text = String(decoding: lua, as: UTF8.self).replacing(#/\b(?:KEYS|PART)_[A-Z_]+/#) { name in
            guard let word = words[name.output] else { preconditionFailure("\(name.output) is the name of no key") }
            return word
        }
        return Array(text.utf8)
    }

    private static func luaName(_ word: String) -> Substring {
        Substring(word.uppercased().split(separator: "-").joined(separator: "_"))
    }
}
