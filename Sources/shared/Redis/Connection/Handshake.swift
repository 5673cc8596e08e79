internal import NIOCore

/// The commands that a new connection sends first, and how their answers are judged.
struct Handshake: Sendable {
    enum Step: Sendable, Equatable {
        case authenticate
        case selectDatabase
        case setName
        case role(Proof)
        case identity(RedisIdentity)
        case synced(SyncedWrites)
        /// Last, because a Redis that is still loading its data answers the steps before it.
        case ping
    }

    /// What a server has to say to be taken for a master.
    enum Proof: Sendable, Equatable {
        /// That it is one.
        case always
        /// The same, or nothing: its user may not ask, or it does not know the question.
        case unlessUnknown
    }

    enum Verdict: Sendable, Equatable {
        case proceed
        /// The last step succeeded.
        case ready
        case unusable(ServerUnusable)
        /// The server is usable and holds another store than this one, which was expected.
        case otherStore(RedisIdentity)
    }

    /// The code of a server that is no master.
    static let replica = "REPLICA"

    let steps: [(step: Step, command: EncodedCommand)]

    /// - Parameters:
    ///   - role: How a server shows that it is a master; nil: a replica will do.
    ///   - identity: Of the expected store, if any.
    init(as login: RedisLogin, role: Proof?, identity: RedisIdentity?) {
        var steps: [(Step, EncodedCommand)] = []
        if let password = login.password {
            var command = RedisCommand("AUTH", arguments: 2)
            if let user = login.user { command.append(user) }
            command.append(password)
            steps.append((.authenticate, command.encoded))
        }
        if login.database != 0 {
            var command = RedisCommand("SELECT", arguments: 1)
            command.append(login.database)
            steps.append((.selectDatabase, command.encoded))
        }
        var name = RedisCommand("CLIENT", arguments: 2)
        name.append("SETNAME")
        name.append("herald")
        steps.append((.setName, name.encoded))
        steps += Self.probe(role: role, identity: identity)
        steps.append((.ping, RedisCommand("PING", arguments: 0).encoded))
        self.steps = steps
    }

    /// The steps that are repeated while a connection is in use, see ``RedisLimits/probeInterval``.
    static func probe(role: Proof?, identity: RedisIdentity?) -> [(step: Step, command: EncodedCommand)] {
        var steps: [(Step, EncodedCommand)] = []
        if let role { steps.append((.role(role), RedisCommand("ROLE", arguments: 0).encoded)) }
        if let identity {
            steps.append((.identity(identity), identity.command))
            if identity.syncsAlways { steps += SyncedWrites.allCases.map { (.synced($0), $0.command) } }
        }
        return steps
    }

    static func judge(_ step: Step, answer: RedisValue) -> Verdict {
        if case .error(let error) = answer {
            return Self.judge(step, code: String(RedisServerError.code(of: error.message)))
        }
        switch step {
        case .ping:
            return .ready
        case .role:
            switch answer.array?.first?.text {
            case "master": return .proceed
            case "slave": return .unusable(ServerUnusable(step: step, code: Self.replica))
            default: return .unusable(ServerUnusable(step: step, code: "ROLE"))
            }
        case .identity(let expected):
            return answer.bytes == expected.value ? .proceed : .otherStore(expected)
        case .synced(let setting):
            return setting.isSet(in: answer)
                ? .proceed : .unusable(ServerUnusable(step: step, code: SyncedWrites.unset))
        case .authenticate, .selectDatabase, .setName:
            return .proceed
        }
    }

    private static func judge(_ step: Step, code: String) -> Verdict {
        let refused = Verdict.unusable(ServerUnusable(step: step, code: code))
        switch step {
        case .authenticate, .selectDatabase:
            return refused
        case .synced:
            return code == "BUSY" ? .proceed : refused
        case .identity:
            // A user who lost the right to read it gets the same answer to every command.
            return ["NOPERM", "BUSY"].contains(code) ? .proceed : refused
        case .setName:
            return .proceed  // The name is for operators who read CLIENT LIST; a user without CLIENT can work as well.
        case .role(.always): return refused
        case .role(.unlessUnknown):
            // A user without ROLE can work as well, and so can a user of a managed Redis that does not have it. A server
            // that runs a long script says nothing about its role.
            return ["NOPERM", "ERR", "BUSY"].contains(code) ? .proceed : refused
        case .ping:
            // A user without PING can work as well; a server that cannot save answers reads, and refuses writes by itself.
            return ["NOPERM", "MISCONF"].contains(code) ? .ready : refused
        }
    }
}

extension Handshake.Step {
    /// What is logged of a step; nothing of a value that it sends or expects.
    var name: String {
        switch self {
        case .authenticate: "AUTH"
        case .selectDatabase: "SELECT"
        case .setName: "CLIENT SETNAME"
        case .role: "ROLE"
        case .identity: "GET of the identity of the store"
        case .synced(let setting): "CONFIG GET \(setting.rawValue)"
        case .ping: "PING"
        }
    }
}
