package import NIOCore
internal import NIOPosix

/// Opens the byte stream to an address.
///
/// `SocketTransport` is TCP and Unix sockets in the clear; TLS is another conformer, which adds its handlers in front.
package protocol Transport: Sendable {
    /// Connects.
    ///
    /// - Parameters:
    ///   - timeout: How long the attempt may take.
    ///   - configure: Adds the handlers of the caller, behind those of the transport, before any byte is read.
    /// - Returns: The open channel, on `eventLoop`. It fails with the reason the system gives.
    func connect(
        to address: RedisEndpoint.Address, within timeout: TimeAmount, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel>
}

/// TCP, and Unix sockets.
package struct SocketTransport: Transport {
    package init() {}

    package func connect(
        to address: RedisEndpoint.Address, within timeout: TimeAmount, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try configure(channel) } }
        return switch address {
        case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
        }
    }
}
