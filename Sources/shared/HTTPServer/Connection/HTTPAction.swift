package import NIOCore

/// What is done with a request whose head has arrived.
package enum HTTPAction: Sendable {
    /// It is answered at once; a body that comes is read and dropped.
    case answer(HTTPAnswer)
    /// It is answered by a task, which runs on the event loop of the connection and may read the body.
    ///
    /// The task is cancelled when the listener is; a peer that goes away cancels nothing, because what the request asks for
    /// may be half done, except inside of ``HTTPExchange/whileConnected(_:)``.
    case task(@Sendable (_ exchange: HTTPExchange) async -> HTTPAnswer)
    /// The connection goes on with another protocol: a 101 with these fields is written, then the handlers are added, on the
    /// event loop, and get every byte behind the head of the request.
    case upgrade(HTTPFields, _ addHandlers: @Sendable (_ channel: any Channel) throws -> Void)
}
