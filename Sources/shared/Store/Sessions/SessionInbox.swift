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

        package init(attempt: UInt64, session: String) {
            self.attempt = attempt
            self.session = session
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

        /// `<attempt> <session>` of each, commas between.
        fileprivate var sessions: String {
            self.targets.map { "\($0.attempt) \($0.session)" }.joined(separator: ",")
        }
    }

    package enum Append: Sendable, Equatable {
        case appended
        /// Nothing more fits, or the node is silent.
        case full
        /// The node has ended.
        case gone
    }

    /// How an attempt ended at its node.
    package enum Outcome: String, Sendable, Equatable {
        /// The session has it in its turn.
        case written = "w"
        /// There is no such session.
        case unknown = "u"
        /// The session reads too little, and ends.
        case full = "f"
        /// The notification cannot be written in the format of the session.
        case unreadable = "r"
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
            guard words.count == 2, let attempt = UInt64(words[0]) else { return nil }
            targets.append(Target(attempt: attempt, session: words[1]))
        }
        return targets
    }

    /// Removes entries from the inbox, and answers their notifiers.
    ///
    /// - Parameter outcomes: By notifier.
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
            call.append(ended.map { "\($0.attempt)\($0.outcome.rawValue)" }.joined(separator: ","))
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
            for part in (fields["outcomes"] ?? []).split(separator: UInt8(ascii: ",")) {
                guard let attempt = UInt64(String(decoding: part.dropLast(), as: UTF8.self)),
                    let outcome = Outcome(rawValue: String(decoding: part.suffix(1), as: UTF8.self))
                else { continue }
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
    /// The nodes with sessions, where this is the control store.
    package var sessionNodes: SessionNodes { SessionNodes(runner: self.runner) }
    /// The notifications on their way to sessions, where this is the control store.
    package var sessionInbox: SessionInbox { SessionInbox(runner: self.runner) }
}
