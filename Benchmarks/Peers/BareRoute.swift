import ArgumentParser
import Hummingbird
import Logging
import NIOPosix
import Redis

/// The same framework, the same Redis module, and nothing in between: POST reads the body and runs one bare script.
struct BareRoute: AsyncParsableCommand {
    @Option var port: Int
    @Option var redis: String

    func run() async throws {
        let logger = Logger(label: "bare-route")
        let group = MultiThreadedEventLoopGroup.singleton
        let client = RedisClient(endpoint: try RedisEndpoint(url: self.redis), eventLoopGroup: group, logger: logger)
        let script = RedisScript(name: "bare", source: Array("return 1".utf8))
        let router = Router()
        router.post("/v2/queues/:queue/messages") { request, _ -> Response in
            let body = try await request.body.collect(upTo: 1 << 20)
            var call = ScriptCall(script, keys: [RedisKey("key")])
            call.append(body)
            _ = try await client.run(call)
            return Response(status: .created, body: .init(byteBuffer: ByteBuffer(string: "{}")))
        }
        var application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: self.port)),
            eventLoopGroupProvider: .shared(group), logger: logger)
        application.addServices(client)
        try await application.runService()
    }
}
