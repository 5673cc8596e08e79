import Operations

/// The handlers of all routes, one value a resource.
///
/// A class, so that handing it on copies one reference.
final class RESTHandlers: Sendable {
    let service: ServiceHandlers
    let queues: QueueHandlers
    let topics: TopicHandlers
    let messages: MessageHandlers
    let claims: ClaimHandlers
    let streams: StreamHandlers
    let subscriptions: SubscriptionHandlers
    let deliveries: DeliveryHandlers
    let deadLetters: DeadLetterHandlers
    let pools: PoolHandlers
    let flavors: FlavorHandlers
    let suppressions: SuppressionHandlers
    let limits: ProjectLimitHandlers
    let signingKeys: SigningKeyHandlers
    let surveys: SurveyHandlers
    let pages: PageHandlers

    init(
        _ operations: Operations, _ rules: AccessRules, _ pages: PageRules
    ) {
        self.service = ServiceHandlers(operations: operations, homeDocument: HomeDocument.reply(for: rules))
        self.queues = QueueHandlers(operations: operations)
        self.topics = TopicHandlers(operations: operations)
        self.messages = MessageHandlers(operations: operations)
        self.claims = ClaimHandlers(operations: operations)
        self.streams = StreamHandlers(operations: operations)
        self.subscriptions = SubscriptionHandlers(operations: operations)
        self.deliveries = DeliveryHandlers(operations: operations)
        self.deadLetters = DeadLetterHandlers(operations: operations)
        self.pools = PoolHandlers(operations: operations)
        self.flavors = FlavorHandlers(operations: operations)
        self.suppressions = SuppressionHandlers(operations: operations)
        self.limits = ProjectLimitHandlers(operations: operations)
        self.signingKeys = SigningKeyHandlers(operations: operations)
        self.surveys = SurveyHandlers(operations: operations)
        self.pages = PageHandlers(operations: operations, rules: pages)
    }
}
