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
    /// event loop, and get every byte behind the head of the request. `caller` is the address it comes from.
    case upgrade(HTTPFields, _ addHandlers: AddHandlers)

    /// The answer to what is no request, or cannot be served; with the head and the address of one that reaches no responder.
    package typealias Refuse =
        @Sendable (_ fault: HTTPRequestFault, _ request: (head: HTTPRequestHead, caller: SocketAddress?)?) -> HTTPAnswer

    package typealias AddHandlers = @Sendable (_ channel: any Channel, _ caller: SocketAddress?) throws -> Void
}
