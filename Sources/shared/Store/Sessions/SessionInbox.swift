package import Domain
package import Redis

/// Notifications on their way to the sessions of one node, all of them in the control store.
///
/// Notifiers append them; the node gives them to its sessions, and answers how each attempt ended. Bounded in entries and bytes: beyond that an attempt finds the inbox full, and is repeated later.
package struct SessionInbox: Sendable {
    package static let entriesMax = 10_000
    package static let bytesMax = 64 << 20
    /// Outcomes that wait for one notifier, about, and for how long.
    private static let outcomesMax = 65_536
    private static let outcomesLife = Duration.seconds(60)

    /// One attempt at one session.
    package struct Target: Sendable, Equatable {
        /// Names the attempt in the notifier.
        package let attempt: UInt64
        package let session: String
        /// nil for a message that the session does not acknowledge.
        package let delivery: Delivery?

        package init(attempt: UInt64, session: String, delivery: Delivery? = nil) {
            self.attempt = attempt
            self.session = session
            self.delivery = delivery
        }
    }

    /// What a session has to know of a message that it is to acknowledge.
    package struct Delivery: Sendable, Equatable {
        package let id: DeliveryID
        package let message: MessageID
        /// Of the attempt, from 1.
        package let number: Int

        package init(id: DeliveryID, message: MessageID, number: Int) {
            self.id = id
            self.message = message
            self.number = number
        }
    }

    /// One notification for sessions of a node.
    package struct Entry: Sendable, Equatable {
        package let notifier: String
        package let queue: QueueAddress
        package let targets: [Target]
        /// JSON.
        package let notification: [UInt8]

        package init(from notifier: String, of queue: QueueAddress, to targets: [Target], _ notification: [UInt8]) {
            self.notifier = notifier
            self.queue = queue
            self.targets = targets
            self.notification = notification
        }

        /// `<attempt> <session>` of each, and ` <delivery> <message> <number>` of one that is acknowledged, commas between.
        fileprivate var sessions: String {
            self.targets.map { target in
                let head = "\(target.attempt) \(target.session)"
                guard let delivery = target.delivery else { return head }
                return "\(head) \(delivery.id) \(delivery.message) \(delivery.number)"
            }.joined(separator: ",")
        }
    }

    package enum Append: Sendable, Equatable {
        case appended
        /// Nothing more fits, or the node is silent.
        case full
        /// The node has ended.
        case gone
    }

    /// How an attempt ended at its node, or what it waits for there.
    package enum Outcome: Sendable, Equatable {
        /// The session has it in its turn.
        case written
        /// There is no such session.
        case unknown
        /// The session reads too little, and ends.
        case full
        /// The notification cannot be written in the format of the session.
        case unreadable
        /// The session has it in its turn, and may acknowledge it for so long, s; another outcome follows when it does.
        case unacknowledged(seconds: Int)
        /// The client asks for it again.
        ///
        /// - seconds: Not before; nil: by the retry policy.
        case rejected(seconds: Int?)
        /// The session has ended before it was acknowledged, or another one has its name by now.
        case returned

        /// A word of one character, and the seconds where there are some.
        fileprivate var text: String {
            switch self {
            case .written: "w"
            case .unknown: "u"
            case .full: "f"
            case .unreadable: "r"
            case .unacknowledged(let seconds): "a\(seconds)"
            case .rejected(let seconds): seconds.map { "n\($0)" } ?? "n"
            case .returned: "b"
            }
        }

        /// - Returns: nil for a word of another version.
        fileprivate init?(_ text: Substring) {
            let seconds = text.dropFirst().isEmpty ? nil : Int(text.dropFirst())
            switch (text.first, seconds) {
            case ("w", nil): self = .written
            case ("u", nil): self = .unknown
            case ("f", nil): self = .full
            case ("r", nil): self = .unreadable
            case ("a", let seconds?): self = .unacknowledged(seconds: seconds)
            case ("n", let seconds): self = .rejected(seconds: seconds)
            case ("b", nil): self = .returned
            default: return nil
            }
        }
    }

    /// What a node has read.
    package struct Arrived: Sendable {
        package let id: String
        /// nil for one that cannot be read: it is removed, and its attempts end in their time.
        package let entry: Entry?
        /// As it counts in the inbox.
        package let bytes: Int
    }

    let runner: ScriptRunner

    /// - Parameters:
    ///   - entriesMax: Of the inbox.
    ///   - bytesMax: Of the inbox; a single entry always fits.
    package func append(
        _ entries: [Entry], to node: String, entriesMax: Int = Self.entriesMax, bytesMax: Int = Self.bytesMax
    ) async throws(StoreError) -> [Append] {
        var call = self.runner.call(
            Scripts.sessionAppend,
            keys: [KeySpace.sessionNodes, KeySpace.sessionInbox(of: node), KeySpace.sessionInboxBytes])
        call.append(node)
        call.append(entriesMax)
        call.append(bytesMax)
        for entry in entries {
            call.append(entry.notifier)
            call.append(entry.queue.key)
            call.append(entry.sessions)
            call.append(entry.notification)
        }
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.sessionAppend)
        var results: [Append] = []
        for _ in entries {
            switch try reply.int() {
            case 1: results.append(.appended)
            case -1: results.append(.full)
            case 0: results.append(.gone)
            case let answer: throw .corrupt("session_append.lua answered \(answer)")
            }
        }
        return results
    }

    /// Waits for entries; those that were read stay until ``finish(_:of:_:)``.
    ///
    /// - Returns: The oldest, at most `limit`; empty when none came in time.
    package func read(
        on connection: RedisBlockingConnection, of node: String, limit: Int, for time: Duration
    ) async throws(StoreError) -> [Arrived] {
        let entries = try await StreamReading.read(
            on: connection, KeySpace.sessionInbox(of: node), limit: limit, for: time)
        return entries.map { id, fields in
            Arrived(
                id: id, entry: Self.entry(fields),
                bytes: (fields["sessions"]?.count ?? 0) + (fields["notification"]?.count ?? 0))
        }
    }

    private static func entry(_ fields: [String: [UInt8]]) -> Entry? {
        guard let notifier = fields["notifier"], let key = fields["queue"], let queue = QueueAddress(key: key[...]),
            let sessions = fields["sessions"], let targets = Self.targets(sessions),
            let notification = fields["notification"]
        else { return nil }
        return Entry(from: String(decoding: notifier, as: UTF8.self), of: queue, to: targets, notification)
    }

    private static func targets(_ bytes: [UInt8]) -> [Target]? {
        var targets: [Target] = []
        for part in bytes.split(separator: UInt8(ascii: ",")) {
            let words = part.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard words.count == 2 || words.count == 5, let attempt = UInt64(words[0]) else { return nil }
            var delivery: Delivery?
            if words.count == 5 {
                guard let message = MessageID(words[3]), let number = Int(words[4]) else { return nil }
                delivery = Delivery(id: DeliveryID(text: words[2]), message: message, number: number)
            }
            targets.append(Target(attempt: attempt, session: words[1], delivery: delivery))
        }
        return targets
    }

    /// Removes entries from the inbox, and answers their notifiers.
    ///
    /// - Parameters:
    ///   - entries: None, where attempts of earlier ones have ended.
    ///   - outcomes: By notifier.
    package func finish(
        _ entries: [Arrived], of node: String, _ outcomes: [String: [(attempt: UInt64, outcome: Outcome)]]
    ) async throws(StoreError) {
        let notifiers = Array(outcomes.keys)
        var call = self.runner.call(
            Scripts.sessionFinish,
            keys: [KeySpace.sessionInbox(of: node), KeySpace.sessionInboxBytes]
                + notifiers.map { KeySpace.sessionOutcomes(of: $0) })
        call.append(node)
        call.append(entries.reduce(0) { $0 + $1.bytes })
        call.append(Self.outcomesMax)
        call.append(Int64(Self.outcomesLife / .milliseconds(1)))
        call.append(entries.count)
        for entry in entries { call.append(entry.id) }
        for notifier in notifiers {
            let ended = outcomes[notifier] ?? []
            call.append(ended.map { "\($0.attempt)\($0.outcome.text)" }.joined(separator: ","))
        }
        _ = try await self.runner.run(call)
    }

    /// How attempts of a notifier ended, as it has read them.
    package struct Outcomes: Sendable {
        package fileprivate(set) var all: [(attempt: UInt64, outcome: Outcome)] = []
        fileprivate var entries: [String] = []
        package var isEmpty: Bool { self.entries.isEmpty }
    }

    /// Waits for outcomes of a notifier's attempts; they come again until ``remove(_:of:)``.
    ///
    /// - Returns: Empty when none came in time. What cannot be read is left out.
    package func outcomes(
        on connection: RedisBlockingConnection, of notifier: String, for time: Duration
    ) async throws(StoreError) -> Outcomes {
        let key = KeySpace.sessionOutcomes(of: notifier)
        var outcomes = Outcomes()
        for (id, fields) in try await StreamReading.read(on: connection, key, limit: 1_000, for: time) {
            outcomes.entries.append(id)
            for part in String(decoding: fields["outcomes"] ?? [], as: UTF8.self).split(separator: ",") {
                let digits = part.prefix { $0.isASCII && $0.isNumber }
                guard let attempt = UInt64(digits), let outcome = Outcome(part.dropFirst(digits.count)) else {
                    continue
                }
                outcomes.all.append((attempt, outcome))
            }
        }
        return outcomes
    }

    package func remove(_ outcomes: Outcomes, of notifier: String) async throws(StoreError) {
        guard !outcomes.isEmpty else { return }
        var removal = RedisCommand("XDEL", arguments: 1 + outcomes.entries.count)
        removal.append(KeySpace.sessionOutcomes(of: notifier))
        for entry in outcomes.entries { removal.append(entry) }
        _ = try await self.runner.send(removal)
    }
}

extension Store {
    /// Which sessions have the names of subscriptions, where this is the control store.
    package var sessionNames: SessionNames { SessionNames(runner: self.runner) }
    /// The nodes with sessions, where this is the control store.
    package var sessionNodes: SessionNodes { SessionNodes(runner: self.runner) }
    /// The notifications on their way to sessions, where this is the control store.
    package var sessionInbox: SessionInbox { SessionInbox(runner: self.runner) }
}
