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
        /// There is no connection and the caller wants to try elsewhere first.
        case notReady
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

    mutating func post(_ request: Request, onlyWhenReady: Bool) -> Answer {
        switch self.door {
        case .ready: break
        case .waiting: if onlyWhenReady { return .notReady }
        case .shut(let reason): return onlyWhenReady ? .notReady : .refused(reason)
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

    mutating func set(_ door: Door) {
        self.door = door
    }
}
