package import Domain

/// Why queues were not moved; they live where they lived, and nothing is lost.
package enum MoveFailure: Error, Sendable, Equatable, CustomStringConvertible {
    case absent(QueueName)
    case noPool(String)
    case format(Int)
    /// Of the target, and of the source.
    case formatOlder(Int, than: Int)
    case idsDiffer
    case busy(QueueName)
    case occupied(QueueName)
    case hindered(QueueName, String)
    case collision(QueueName)
    case changed

    package var description: String {
        switch self {
        case .absent(let queue): "there is no queue \(queue) on the pool that it is to leave"
        case .noPool(let name): "there is no pool \(name)"
        case .format(let format):
            "a queue moves between stores of format 3 or later, and one of them has format \(format): run herald format raise"
        case .formatOlder(let target, let source):
            "the pool has format \(target), and the queues have what format \(source) added: run herald format raise"
        case .idsDiffer:
            "the pools were first used by versions that gave each pool a key of its own: ids of messages would change, so their queues "
                + "cannot be moved"
        case .busy(let queue):
            "the queue \(queue) moves already, or a move of it that was cut off is being undone: try again in half a minute"
        case .occupied(let queue):
            "the pool holds remains of another queue \(queue), perhaps subscriptions of one that was deleted: they end with their ttl"
        case .hindered(let queue, let why): "the queue \(queue) could not be closed: \(why)"
        case .collision(let queue):
            "a message of \(queue) that waits for its delivery has the position of another one that waits on the pool: try again "
                + "once one of them has been delivered"
        case .changed: "the pools or the queues changed meanwhile: try again"
        }
    }
}
