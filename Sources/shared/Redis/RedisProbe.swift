package import NIOCore
import NIOPosix

/// Knocks at a Redis before anything is built on it.
package enum RedisProbe {
    /// Learns whether somebody takes connections there; a port where nobody listens is told at once.
    ///
    /// - Throws: The reason, as the system gives it.
    package static func knock(
        _ endpoint: RedisEndpoint, within time: TimeAmount, on eventLoopGroup: any EventLoopGroup
    ) async throws {
        let bootstrap = ClientBootstrap(group: eventLoopGroup).connectTimeout(time)
        let channel: any Channel
        switch endpoint.address {
        case .tcp(let host, let port): channel = try await bootstrap.connect(host: host, port: port).get()
        case .unix(let path): channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
        }
        // It may have been closed from the other side by now, which is as good.
        try? await channel.close().get()
    }
}
