/// Why a command has no reply, sorted by what the caller may do next.
package enum RedisError: Error, Sendable, Equatable {
    /// Redis never saw the command: a repeat is safe.
    case notSent(NotSent)
    /// The command was handed to the connection and no reply came: it may have run, once.
    case outcomeUnknown(Unknown)
    /// Redis answered with an error.
    case refused(RedisServerError)
    /// The reply came, in a shape the caller does not understand.
    case malformedReply

    package enum NotSent: Sendable, Equatable {
        /// There is no connection, and there has been none for longer than ``RedisLimits/connectionWaitMax``.
        case disconnected
        /// The Redis at the address is a replica, which takes no writes.
        case replica
        /// The Redis at the address is reading its data from disk.
        case loading
        /// The store that the command was made for is not there any more: its Redis was emptied, or is another one.
        case storeChanged
        /// The bound of commands, or of their bytes, in flight was reached.
        case tooManyInFlight
        /// The deadline passed before there was a connection.
        case deadline
        /// The task of a blocking read was cancelled before there was a connection.
        case cancelled
        /// The client or the connection has ended.
        case shutDown
    }

    package enum Unknown: Sendable, Equatable {
        /// The connection broke, or sent something that is no reply.
        case disconnected
        /// No reply came within the deadline. The connection was closed for it.
        case deadline
        /// The task of a blocking read was cancelled. The connection was closed for it.
        case cancelled
        /// The client or the connection ended.
        case shutDown
    }
}
