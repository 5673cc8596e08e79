import Operations

/// The handlers of all actions, one value a resource.
struct ActionHandlers: Sendable {
    let queues: QueueActions
    let messages: MessageActions
    let claims: ClaimActions
    let subscriptions: SubscriptionActions

    init(_ operations: Operations, _ subscriptions: any SessionSubscriptions) {
        self.queues = QueueActions(operations: operations)
        self.messages = MessageActions(operations: operations)
        self.claims = ClaimActions(operations: operations)
        self.subscriptions = SubscriptionActions(operations: operations, sessions: subscriptions)
    }
}
