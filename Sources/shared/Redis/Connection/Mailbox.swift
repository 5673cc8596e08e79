/// Where callers of any thread leave their commands for the event loop of a connection.
///
/// It also counts what is owed to callers from here to the reply, so the bounds are exact and a refusal costs no hop.
struct Mailbox: Sendable {
    enum Door: Sendable, Equatable {
        /// Commands are written in this turn of the loop.
        case ready
        /// There is no connection, but it is worth waiting for one.
        case waiting
        case shut(RedisError.NotSent)
    }

    enum Answer: Sendable, Equatable {
        /// Taken. `wakeLoop`: nobody has told the loop yet.
        case accepted(wakeLoop: Bool)
        case refused(RedisError.NotSent)
        /// Another connection would serve it better, if there is one.
        case tryAnother
    }

    /// What a caller asks for, best first.
    enum Wish: Sendable, Equatable {
        /// A connection that is there and has little to do.
        case light
        /// A connection that is there.
        case ready
        /// Any that may take it.
        case any
    }

    private let commandsMax: Int
    private let bytesMax: Int
    private(set) var door = Door.waiting
    private var posted: [Request] = []
    private var commands = 0
    private var bytes = 0

    init(commandsMax: Int, bytesMax: Int) {
        self.commandsMax = commandsMax
        self.bytesMax = bytesMax
    }

    mutating func post(_ request: Request, wish: Wish) -> Answer {
        switch self.door {
        case .ready: if wish == .light, self.commands >= lightCommandsMax { return .tryAnother }
        case .waiting: if wish != .any { return .tryAnother }
        case .shut(let reason): return wish == .any ? .refused(reason) : .tryAnother
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

    /// Opens or shuts the door; one that a shutdown has shut stays so.
    mutating func set(_ door: Door) {
        if self.door != .shut(.shutDown) { self.door = door }
    }
}

/// As many as make a good batch.
///
/// Up to here one connection serves faster than two that share them: fewer and larger writes, fewer threads awake.
private let lightCommandsMax = 256
