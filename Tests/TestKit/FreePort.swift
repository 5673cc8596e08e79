import NIOCore
import NIOPosix

/// A loopback port without a listener.
///
/// It lies below the range the kernel gives to outgoing connections and to port 0, so that no test running beside this
/// one is given it a moment later.
package func freeLoopbackPort() async throws -> Int {
    var failure: (any Error)?
    for _ in 0..<100 {
        let port = Int.random(in: 10_240..<32_768)
        do {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: port).get()
            try await listener.close()
            return port
        } catch let error as IOError {
            failure = error  // In use: another number may be free.
        }
    }
    throw failure ?? ChannelError.unknownLocalAddress
}
