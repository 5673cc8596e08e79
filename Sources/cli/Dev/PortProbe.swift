import NIOCore
import NIOPosix
package import Runtime

/// Whether somebody listens already.
package enum PortProbe {
    package static func isFree(_ address: ListenAddress) async -> Bool {
        do {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: address.host, port: address.port).get()
            try await channel.close()
            return true
        } catch {
            // Whatever hinders a bind hinders the API too.
            return false
        }
    }
}
