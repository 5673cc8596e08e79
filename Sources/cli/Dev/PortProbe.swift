import NIOCore
import NIOPosix
import Runtime
package import Settings

/// Asks the kernel about ports, by listening for a moment.
package enum PortProbe {
    package static func isFree(_ address: ListenAddress) async -> Bool {
        // Whatever hinders a bind hinders the API too.
        (try? await self.bound(address)) != nil
    }

    /// The address itself; with a free port in place of port 0, which has to be known before the API starts.
    package static func chosen(_ address: ListenAddress) async throws -> ListenAddress {
        guard address.port == 0 else { return address }
        do {
            return ListenAddress(host: address.host, port: try await self.bound(address))
        } catch {
            throw Failure("\(address) cannot be listened on: \(error)")
        }
    }

    private static func bound(_ address: ListenAddress) async throws -> Int {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: address.host, port: address.port).get()
        let port = channel.localAddress?.port ?? address.port
        try await channel.close()
        return port
    }
}
