import Domain
import HTTPServer
import NIOCore
import Operations

/// What a path names, with the names checked.
enum RequestTarget: Sendable {
    case none
    case queue(QueueAddress)
    case topic(TopicAddress)
    case pool(PoolName)
    case flavor(FlavorAddress)
    /// An address of mail, as the caller wrote it.
    case address(String)
    /// A project, which need not be that of the caller.
    case project(ProjectID)

    /// nil for one that is about no queue.
    var queue: QueueName? {
        if case .queue(let queue) = self { queue.name } else { nil }
    }

    /// - Throws: ``Refusal/queueNameInvalid``, ``Refusal/topicNameInvalid``, or ``Refusal/requestInvalid(_:)`` for the name of a
    ///   pool, a flavor or a project.
    init(_ match: PathTree.Match, project: ProjectID) throws(Refusal) {
        switch match.path.owner {
        case nil: self = .none
        case .queue: self = .queue(QueueAddress(project: project, name: try QueueName(match.name)))
        case .topic: self = .topic(TopicAddress(project: project, name: try TopicName(match.name)))
        case .pool: self = .pool(try PoolName(match.name))
        case .flavor: self = .flavor(FlavorAddress(project: project, name: try FlavorName(match.name)))
        case .address: self = .address(match.name)
        case .project:
            do { self = .project(try ProjectID(match.name)) } catch {
                throw .requestInvalid(
                    "The path has to name a project: 1 to \(ProjectID.charactersMax) characters, without U+FFFD.")
            }
        }
    }
}

/// A request of which everything has arrived and the head is checked.
struct ReceivedRequest: Sendable {
    let head: RequestHead
    /// nil where the route needs none.
    let caller: Caller?
    let target: RequestTarget
    /// Of the message, claim, subscription or dead letter the path names, as the caller wrote it; empty where it names none.
    let id: String
    /// Empty without one.
    let body: ByteBuffer
    /// When its head arrived, by this machine's clock.
    let now: Timestamp
    let exchange: HTTPExchange
    /// nil without a caller.
    let turn: ProjectTurn?
    let route: Route
    let control: AccessControl
    /// nil where no audit log is kept of the request.
    let notes: AuditNotes?

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    var query: Query {
        get throws(Refusal) { try Query(self.head.query) }
    }

    /// The bytes of the body.
    var document: [UInt8] { Array(self.body.readableBytesView) }

    /// Runs an operation that may wait for messages, as long as `wait` says and the caller is there.
    func waiting<Found>(_ operation: (MessageWait?) async throws -> Found) async throws -> Found {
        let access = self.standingAccess
        let wait = try MessageWait(seconds: self.query.integer("wait"), self.required(self.turn)) {
            try await access.hold()
        }
        guard let wait else { return try await operation(nil) }
        return try await self.exchange.whileConnected { try await operation(wait) }
    }

    // What the template of a route names is there: the table and its handlers are written together.

    var client: ClientID { self.required(self.caller).client }
    var project: ProjectID { self.required(self.caller).project }
    var identity: Identity { self.required(self.caller).identity }
    /// The right of the caller to what takes longer than a moment, as it is now.
    var standingAccess: StandingAccess {
        StandingAccess(
            self.required(self.caller), to: self.required(self.route.rule), on: self.target.queue, self.control)
    }

    var queue: QueueAddress {
        guard case .queue(let queue) = self.target else { preconditionFailure("\(self.head.path) names no queue") }
        return queue
    }

    var topic: TopicAddress {
        guard case .topic(let topic) = self.target else { preconditionFailure("\(self.head.path) names no topic") }
        return topic
    }

    var pool: PoolName {
        guard case .pool(let pool) = self.target else { preconditionFailure("\(self.head.path) names no pool") }
        return pool
    }

    var flavor: FlavorAddress {
        guard case .flavor(let flavor) = self.target else { preconditionFailure("\(self.head.path) names no flavor") }
        return flavor
    }

    var address: String {
        guard case .address(let address) = self.target else {
            preconditionFailure("\(self.head.path) names no address")
        }
        return address
    }

    /// That the path names.
    var targetProject: ProjectID {
        guard case .project(let project) = self.target else {
            preconditionFailure("\(self.head.path) names no project")
        }
        return project
    }

    private func required<Value>(_ ofCaller: Value?) -> Value {
        guard let ofCaller else { preconditionFailure("\(self.head.path) needs no caller") }
        return ofCaller
    }
}
