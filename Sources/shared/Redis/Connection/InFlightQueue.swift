internal import NIOCore

/// The commands handed to the socket, in the order their replies will come.
struct InFlightQueue: Sendable {
    struct Command: Sendable {
        enum Owner: Sendable {
            case handshake(Handshake.Step)
            case probe(Handshake.Step)
            case subscribe(isLast: Bool)
            case caller(Request.Caller, ticket: UInt64)
        }

        let owner: Owner
        let deadline: NIODeadline
        let bytes: Int
    }

    private var commands = CircularBuffer<Command>()
    private var oldestWasOverdue = false

    var isEmpty: Bool { self.commands.isEmpty }

    /// Appends a command of the connection itself.
    mutating func append(_ owner: Command.Owner, deadline: NIODeadline) {
        self.commands.append(Command(owner: owner, deadline: deadline, bytes: 0))
    }

    mutating func append(_ request: Request) {
        self.commands.append(
            Command(
                owner: .caller(request.caller, ticket: request.ticket), deadline: request.deadline,
                bytes: request.command.bytes))
    }

    /// Takes out the command the next reply belongs to; nil when there is none.
    mutating func popFirst() -> Command? { self.commands.popFirst() }

    func contains(ticket: UInt64) -> Bool {
        self.commands.contains { command in
            switch command.owner {
            case .handshake, .probe, .subscribe: false
            case .caller(_, let owner): owner == ticket
            }
        }
    }

    /// Whether the oldest command is past its deadline for the second time in a row.
    ///
    /// Asked once per sweep.
    ///
    /// Twice, for a process that was itself stopped for a while finds all deadlines passed and the replies not yet read.
    mutating func isSuspect(at now: NIODeadline) -> Bool {
        let isOverdue = self.commands.first.map { $0.deadline <= now } ?? false
        defer { self.oldestWasOverdue = isOverdue }
        return isOverdue && self.oldestWasOverdue
    }

    /// Ends all of them without a reply.
    ///
    /// - Parameter cause: What commands fail with, except those whose own deadline has passed.
    mutating func giveUp(_ cause: RedisError.Unknown, at now: NIODeadline) -> [Ending] {
        defer { self = InFlightQueue() }
        return self.commands.compactMap { command in
            switch command.owner {
            case .handshake, .probe, .subscribe: return nil
            case .caller(let caller, _):
                let reason = cause == .disconnected && command.deadline <= now ? .deadline : cause
                return Ending(caller: caller, reply: .failure(.outcomeUnknown(reason)), bytes: command.bytes)
            }
        }
    }
}
