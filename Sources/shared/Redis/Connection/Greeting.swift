internal import NIOCore

/// What a new connection says first, and how the answers are judged.
struct Greeting: Sendable {
    enum Step: Sendable, Equatable {
        case authenticate
        case selectDatabase
        case setName
        case role
        case identity(RedisIdentity)
        /// Last, for a Redis that is still reading its data answers everything before it.
        case ping
    }

    enum Judgement: Sendable, Equatable {
        case goOn
        /// The last step went well.
        case ready
        case notReady(ServerUnusable)
        /// The server is fit, and holds another store than the expected one.
        case otherStore(RedisIdentity)
    }

    /// The code of a server that is no master.
    static let replica = "REPLICA"

    let steps: [(step: Step, command: EncodedCommand)]

    /// - Parameters:
    ///   - mustBeMaster: A replica is refused.
    ///   - identity: Of the expected store, if any.
    init(to endpoint: RedisEndpoint, mustBeMaster: Bool, identity: RedisIdentity?) {
        var steps: [(Step, EncodedCommand)] = []
        if let password = endpoint.password {
            var command = RedisCommand("AUTH", arguments: 2)
            if let user = endpoint.user { command.append(user) }
            command.append(password)
            steps.append((.authenticate, command.encoded))
        }
        if endpoint.database != 0 {
            var command = RedisCommand("SELECT", arguments: 1)
            command.append(endpoint.database)
            steps.append((.selectDatabase, command.encoded))
        }
        var name = RedisCommand("CLIENT", arguments: 2)
        name.append("SETNAME")
        name.append("herald")
        steps.append((.setName, name.encoded))
        steps += Self.probe(mustBeMaster: mustBeMaster, identity: identity)
        steps.append((.ping, RedisCommand("PING", arguments: 0).encoded))
        self.steps = steps
    }

    /// What is also asked from time to time of a server that is in use.
    static func probe(mustBeMaster: Bool, identity: RedisIdentity?) -> [(step: Step, command: EncodedCommand)] {
        var steps: [(Step, EncodedCommand)] = []
        if mustBeMaster { steps.append((.role, RedisCommand("ROLE", arguments: 0).encoded)) }
        if let identity { steps.append((.identity(identity), identity.command)) }
        return steps
    }

    static func judge(_ step: Step, answer: RedisValue) -> Judgement {
        if case .error(let error) = answer {
            return Self.judge(step, code: String(RedisServerError.code(of: error.message)))
        }
        switch step {
        case .ping:
            return .ready
        case .role:
            switch answer.array?.first?.text {
            case "master": return .goOn
            case "slave": return .notReady(ServerUnusable(step: step, code: Self.replica))
            default: return .notReady(ServerUnusable(step: step, code: "ROLE"))
            }
        case .identity(let expected):
            return answer.bytes == expected.value ? .goOn : .otherStore(expected)
        case .authenticate, .selectDatabase, .setName:
            return .goOn
        }
    }

    private static func judge(_ step: Step, code: String) -> Judgement {
        let refused = Judgement.notReady(ServerUnusable(step: step, code: code))
        switch step {
        case .authenticate, .selectDatabase:
            return refused
        case .identity:
            // A user who may not read it any more hears the same of every command.
            return ["NOPERM", "BUSY"].contains(code) ? .goOn : refused
        case .setName:
            return .goOn  // The name is for people who look at CLIENT LIST; a user without CLIENT can work as well.
        case .role:
            // A user without ROLE can work as well; so can one of a managed Redis that does not have it. One that runs a
            // script for long says nothing about its role.
            return ["NOPERM", "ERR", "BUSY"].contains(code) ? .goOn : refused
        case .ping:
            // A user without PING can work as well; a server that cannot save answers reads, and refuses writes by itself.
            return ["NOPERM", "MISCONF"].contains(code) ? .ready : refused
        }
    }
}
