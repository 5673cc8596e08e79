import ArgumentParser
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import Redis
import ServiceLifecycle
import UnixSignals

/// The same HTTP module, the same Redis module, and nothing in between: POST reads the body and runs one bare script.
struct BareRoute: AsyncParsableCommand {
    @Option var port: Int
    @Option var redis: String

    func run() async throws {
        let logger = Logger(label: "bare-route")
        let group = MultiThreadedEventLoopGroup.singleton
        let client = RedisClient(url: try RedisURL(self.redis, as: .setting), eventLoopGroup: group, logger: logger)
        let script = RedisScript(name: "bare", source: Array("return 1".utf8))
        let listener = HTTPListener(
            host: "127.0.0.1", port: self.port, eventLoopGroup: group, logger: logger, onListening: { _ in },
            respond: { _ in
                .task { exchange in
                    do {
                        var call = ScriptCall(script, keys: [RedisKey("key")])
                        call.append(try await exchange.body(upTo: 1 << 20) ?? ByteBuffer())
                        _ = try await client.run(call)
                        return HTTPAnswer(.created, "{}", type: "application/json")
                    } catch {
                        return HTTPAnswer(status: .serviceUnavailable)
                    }
                }
            })
        try await ServiceGroup(
            services: [client, listener], gracefulShutdownSignals: [.sigterm], logger: logger
        ).run()
    }
}
