/// What a Redis has to be configured with so that what it acknowledges is on its disk.
package enum SyncedWrites: String, Sendable, CaseIterable {
    case appendOnly = "appendonly"
    case appendFsync = "appendfsync"
    case noAppendFsyncOnRewrite = "no-appendfsync-on-rewrite"

    /// The code of a server that is not.
    static let unset = "NOTSYNCED"

    private var value: String {
        switch self {
        case .appendOnly: "yes"
        case .appendFsync: "always"
        case .noAppendFsyncOnRewrite: "no"
        }
    }

    /// Asks for it.
    package var question: RedisCommand {
        var command = RedisCommand("CONFIG", arguments: 2)
        command.append("GET")
        command.append(self.rawValue)
        return command
    }

    var command: EncodedCommand { self.question.encoded }

    /// Whether an answer to ``question`` says that a file is synced when the system does it, or not during a rewrite: a wait for it
    /// does not end in time.
    package func isLeftToSystem(_ answer: RedisValue) -> Bool {
        let value = answer.array?.last?.text
        switch self {
        case .appendOnly, .appendFsync: return value == "no"
        case .noAppendFsyncOnRewrite: return value == "yes"
        }
    }

    /// Whether an answer to ``question`` says so.
    package func isSet(in answer: RedisValue) -> Bool { answer.array?.last?.text == self.value }
}
