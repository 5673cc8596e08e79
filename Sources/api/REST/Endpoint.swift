import Domain
import HTTPTypes

/// One thing a caller can ask for, with everything in it checked that the head of the request says.
enum Endpoint: Sendable {
    case showVersions
    case showHome
    /// `isAsking`: the store is asked, too.
    case ping(isAsking: Bool)
    case listQueues(ProjectID)
    case createQueue(QueueAddress)
    case showQueue(QueueAddress)
    case deleteQueue(QueueAddress)
    case postMessages(QueueAddress, ClientID)
    case listMessages(QueueAddress, ClientID)
    case showMessage(QueueAddress, id: String)
    case createSubscription(QueueAddress)
    case listSubscriptions(QueueAddress)
    case showSubscription(QueueAddress, id: String)
    case deleteSubscription(QueueAddress, id: String)
    case showSubscriptionSecret(QueueAddress, id: String)

    /// Checks the queue's name, then the method.
    ///
    /// - Returns: nil when the path does not have the method.
    /// - Throws: ``Refusal/queueNameInvalid``.
    init?(_ route: Route, method: HTTPRequest.Method, caller: Caller) throws(Refusal) {
        let project = caller.project
        switch route {
        case .versions: self = .showVersions
        case .home: self = .showHome
        case .ping: self = .ping(isAsking: method == .get)
        case .queues: self = .listQueues(project)
        case .queue(let name):
            let queue = QueueAddress(project: project, name: try QueueName(name))
            self = method == .put ? .createQueue(queue) : method == .get ? .showQueue(queue) : .deleteQueue(queue)
        case .messages(let name):
            let queue = QueueAddress(project: project, name: try QueueName(name))
            self = method == .post ? .postMessages(queue, caller.client) : .listMessages(queue, caller.client)
        case .message(let name, let id):
            self = .showMessage(QueueAddress(project: project, name: try QueueName(name)), id: id)
        case .subscriptions(let name):
            let queue = QueueAddress(project: project, name: try QueueName(name))
            self = method == .post ? .createSubscription(queue) : .listSubscriptions(queue)
        case .subscription(let name, let id):
            let queue = QueueAddress(project: project, name: try QueueName(name))
            self = method == .get ? .showSubscription(queue, id: id) : .deleteSubscription(queue, id: id)
        case .subscriptionSecret(let name, let id):
            self = .showSubscriptionSecret(QueueAddress(project: project, name: try QueueName(name)), id: id)
        }
        guard route.methods.contains(method) else { return nil }
    }

    /// Bytes the body may have; nil where no body is read.
    func bodyBytesMax(_ limits: Limits) -> Int? {
        switch self {
        case .createQueue: limits.queueMetadataBytesMax
        case .postMessages, .createSubscription: limits.postBytesMax
        case .showVersions, .showHome, .ping, .listQueues, .showQueue, .deleteQueue, .listMessages, .showMessage,
            .listSubscriptions, .showSubscription, .deleteSubscription, .showSubscriptionSecret:
            nil
        }
    }
}
