import Domain

// The only file that spells a key. `docs/redis.md` says of each what is in it, who writes it, and how long it lives.
//
// Names come from callers and may hold anything, so each key has at most one of them that is not bounded by its own
// alphabet, and that one comes last or between fixed texts: no two keys can be spelled alike.

/// Keys that belong to the deployment or to a project, not to a shard.
enum Keys {
    /// What tells this store from every other one.
    static let identity = "herald:store"
    /// The number of shards this Redis was first used with.
    static let shards = "herald:shards"
    /// The secret behind the ids of this deployment.
    static let idKey = "herald:idkey"
    /// What the settings that all processes must share are recognised by.
    static let fingerprints = "herald:fingerprints"
    /// Written to learn whether Redis takes writes.
    static let probe = "herald:probe"

    // The control store: what one script has to see together, all in one slot.

    /// Counts the changes of pools and flavors.
    static let poolVersion = control + "version"
    static let pools = control + "pools"
    static let flavors = control + "flavors"
    /// How many queues are entered at each pool.
    static let poolCounts = control + "counts"

    /// The names of a project's queues.
    static func queueNames(of project: ProjectID) -> String { "\(Self.control)queues:\(project.text)" }

    /// The pool of each of a project's queues that does not live in the default store.
    static func catalogue(of project: ProjectID) -> String { "\(Self.control)catalogue:\(project.text)" }

    /// The pool that the name of a dead-letter queue is kept for.
    static func reservations(of project: ProjectID) -> String { "\(Self.control)kept:\(project.text)" }

    /// The names of a project's topics, and what is set on each.
    static func topicNames(of project: ProjectID) -> String { "\(Self.control)topics:\(project.text)" }
    static func topicMetadata(of project: ProjectID) -> String { "\(Self.control)topic:\(project.text)" }

    /// The questions of one kind that a project sent to an address lately, or has waiting.
    static func questions(from project: ProjectID, to address: String) -> String {
        "\(Self.control)asked:\(project.text.utf8.count):\(project.text):\(address)"
    }

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
    let position: String
    let fanout: String
    let pages: String
    let wakeup: String
    let sweep: String
    let subscriptions: String
    let headers: String
    let expiries: String
    let flow: String
    let flying: String
    let begun: String
    let turns: String
    let payloads: String
    let references: String
    let lives: String
    let waiting: String
    let expiring: String
    let expiryMarks: String
    let expired: String
    let projects: String
    let moves: String
    let arrivals: String
    let asked: String
    let attempts: String

    init(tag: String) {
        self.prefix = "herald:{\(tag)}:"
        self.position = self.prefix + "pos"
        self.fanout = self.prefix + "fanout"
        self.pages = self.prefix + "pages"
        self.wakeup = self.prefix + "wakeup"
        self.sweep = self.prefix + "sweep"
        self.subscriptions = self.prefix + "subs"
        self.headers = self.prefix + "subh"
        self.expiries = self.prefix + "sx"
        self.flow = self.prefix + "flow"
        self.flying = self.prefix + "fly"
        self.begun = self.prefix + "begun"
        self.turns = self.prefix + "turns"
        self.payloads = self.prefix + "pay"
        self.references = self.prefix + "ref"
        self.lives = self.prefix + "lives"
        self.waiting = self.prefix + "waiting"
        self.expiring = self.prefix + "expiring"
        self.expiryMarks = self.prefix + "expiry-marks"
        self.expired = self.prefix + "expired"
        self.projects = self.prefix + "rp"
        self.moves = self.prefix + "moves"
        self.arrivals = self.prefix + "in"
        self.asked = self.prefix + "asked"
        self.attempts = self.prefix + "alog"
    }

    func queue(_ queue: QueueAddress) -> QueueKeys { QueueKeys(stem: "\(self.prefix)q:\(queue.key):") }
    func meta(_ queue: QueueAddress) -> String { self.queue(queue).meta }
    func subscriptionOrder(_ queue: QueueAddress) -> String { "\(self.prefix)so:\(queue.key)" }
    func subscriberAddresses(_ queue: QueueAddress) -> String { "\(self.prefix)su:\(queue.key)" }
    func events(of queue: QueueAddress) -> String { "\(self.prefix)events:\(queue.key)" }
    func fanout(of project: ProjectID) -> String { "\(self.prefix)fanout:\(project.text)" }
    func deadLetters(of queue: QueueAddress) -> String { "\(self.prefix)dead:\(queue.key)" }
    func letters(of queue: QueueAddress) -> String { "\(self.prefix)letters:\(queue.key)" }
    func deadBytes(of project: ProjectID) -> String { "\(self.prefix)dead-bytes:\(project.text)" }
    func deadOldest(of project: ProjectID) -> String { "\(self.prefix)dead-oldest:\(project.text)" }
    func letterRecords(of queue: QueueAddress) -> String { "\(self.prefix)records:\(queue.key)" }
}

/// Keys of one queue.
struct QueueKeys: Sendable {
    private let stem: String

    init(stem: String) { self.stem = stem }

    var meta: String { self.stem + "meta" }
    var log: String { self.stem + "log" }
    var expiry: String { self.stem + "exp" }
    var delayed: String { self.stem + "delay" }
    var runs: String { self.stem + "runs" }
    var alias: String { self.stem + "alias" }
    var aliasExpiry: String { self.stem + "aexp" }

    /// All of them, in the order in which `queue.lua` names them.
    var all: [String] {
        ["meta", "log", "exp", "held", "back", "delay", "st", "claims", "cexp", "alias", "aexp", "runs"]
            .map { self.stem + $0 }
    }
}
