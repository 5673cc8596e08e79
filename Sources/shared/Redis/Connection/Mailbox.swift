/// The commands that callers of any thread leave for the event loop of a connection.
///
/// It also counts commands from here to their replies, so the bounds are exact and a refusal needs no hop to the loop.
struct Mailbox: Sendable {
    /// What happens to commands that are posted now.
    enum State: Sendable, Equatable {
        /// They are written in this turn of the loop.
        case connected
        /// They wait for a connection.
        case connecting
        case refusing(RedisError.NotSent)
    }

    enum Admission: Sendable, Equatable {
        /// Taken. `wakeLoop`: it is the first since the loop looked.
        case accepted(wakeLoop: Bool)
        case refused(RedisError.NotSent)
        /// Another connection would serve it better, if there is one.
        case tryAnother
    }

    /// Which connections a caller accepts, best first.
    enum Preference: Sendable, Equatable {
        /// One that is connected and has few commands in flight.
        case lightlyLoaded
        /// One that is connected.
        case connected
        /// Any that may take it.
        case any
    }

    private let commandsMax: Int
    private let bytesMax: Int
    private(set) var state = State.connecting
    private var posted: [Request] = []
    private var commands = 0
    private var bytes = 0

    init(commandsMax: Int, bytesMax: Int) {
        self.commandsMax = commandsMax
        self.bytesMax = bytesMax
    }

    mutating func post(_ request: Request, preferring preference: Preference) -> Admission {
        switch self.state {
        case .connected:
            if preference == .lightlyLoaded, self.commands >= lightCommandsMax { return .tryAnother }
        case .connecting: if preference != .any { return .tryAnother }
        case .refusing(let reason): return preference == .any ? .refused(reason) : .tryAnother
        }
        let bytes = request.command.bytes
        guard self.commands < self.commandsMax, self.commands == 0 || self.bytes + bytes <= self.bytesMax else {
            return .refused(.tooManyInFlight)
        }
        self.commands += 1
        self.bytes += bytes
        self.posted.append(request)
        return .accepted(wakeLoop: self.posted.count == 1)
    }

    /// Takes commands that no other may stand between, all or none.
    mutating func post(unit requests: [Request]) -> Admission {
        if case .refusing(let reason) = self.state { return .refused(reason) }
        let bytes = requests.reduce(0) { $0 + $1.command.bytes }
        guard self.commands + requests.count <= self.commandsMax,
            self.commands == 0 || self.bytes + bytes <= self.bytesMax
        else { return .refused(.tooManyInFlight) }
        let isFirst = self.posted.isEmpty
        self.commands += requests.count
        self.bytes += bytes
        self.posted += requests
        return .accepted(wakeLoop: isFirst)
    }

    /// Hands over all posted commands, in order.
    mutating func take() -> [Request] {
        let taken = self.posted
        self.posted = []
        self.posted.reserveCapacity(taken.count)
        return taken
    }

    /// Commands got their reply, or failed.
    mutating func release(_ endings: [Ending]) {
        for ending in endings { self.bytes -= ending.bytes }
        self.commands -= endings.count
        precondition(self.commands >= 0 && self.bytes >= 0, "more commands ended than were posted")
    }

    /// Changes the state; a shutdown is final.
    mutating func set(_ state: State) {
        if self.state != .refusing(.shutDown) { self.state = state }
    }
}

/// The size of a good batch: up to here one connection is faster than two that share the commands, with fewer and larger
/// writes and fewer threads awake.
private let lightCommandsMax = 256
