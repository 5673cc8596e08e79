internal import NIOCore

/// What a new connection says first, and how the answers are judged.
struct Greeting: Sendable {
    enum Step: Sendable, Equatable {
        case authenticate
        case selectDatabase
        case setName
        /// Last, for a Redis that is still reading its data answers everything before it.
        case ping
    }

    enum Judgement: Sendable, Equatable {
        case goOn
        /// The last step went well.
        case ready
        case notReady(GreetingRefused)
    }

    let steps: [(step: Step, command: EncodedCommand)]

    init(to endpoint: RedisEndpoint) {
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
        steps.append((.ping, RedisCommand("PING", arguments: 0).encoded))
        self.steps = steps
    }

    static func judge(_ step: Step, answer: RedisValue) -> Judgement {
        guard case .error(let error) = answer else { return step == .ping ? .ready : .goOn }
        let code = String(RedisServerError.code(of: error.message))
        switch step {
        case .authenticate, .selectDatabase:
            return .notReady(GreetingRefused(step: step, code: code))
        case .setName:
            return .goOn  // The name is for people who look at CLIENT LIST; a user without CLIENT can work as well.
        case .ping:
            // A user without PING can work as well.
            return code == "NOPERM" ? .ready : .notReady(GreetingRefused(step: step, code: code))
        }
    }
}

/// Redis refused a step of the greeting.
///
/// Only the leading word of its message is kept: "unknown command" repeats the arguments, and those of `AUTH` are secret.
struct GreetingRefused: Error, Equatable {
    let step: Greeting.Step
    let code: String
}
