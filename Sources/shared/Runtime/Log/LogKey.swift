/// The keys of log metadata, so that one thing has one name in every line.
package enum LogKey {
    package static let requestID = "request.id"
    package static let projectID = "project.id"
    package static let queueName = "queue.name"
    package static let messageID = "message.id"
    package static let claimID = "claim.id"
    package static let subscriptionID = "subscription.id"
    package static let deliveryID = "delivery.id"
    package static let deliveryAttempt = "delivery.attempt"
    package static let deliveryRetryIn = "delivery.retry_in"
    package static let sessionID = "session.id"
    package static let shard = "shard"
    package static let pool = "pool"
    /// What is wrong with the store, in one of few words.
    package static let storeTrouble = "store.trouble"
    /// How many events a line stands for, itself included; absent for one.
    package static let repeated = "log.repeated"
    package static let listen = "listen"
    package static let websocket = "websocket"
    package static let admin = "admin"
    package static let error = "error"
    /// Why something was refused, in one of few words.
    package static let reason = "reason"
}
