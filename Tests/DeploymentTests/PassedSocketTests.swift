import Foundation
import NIOCore
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// Sockets that the service manager listens on, passed by its own `systemd-socket-activate`.
    struct PassedSocketTests {
        /// Starts a process with sockets by these names, as soon as one of them is connected to.
        ///
        /// - Parameters:
        ///   - settings: What the process gets beside what it needs.
        ///   - kinds: More arguments, `--datagram`.
        private static func activated(
            _ executable: String, _ sockets: [(name: String, port: Int)], _ redis: RedisServer,
            _ settings: [Setting: String] = [:], kinds: [String] = []
        ) throws -> (process: ChildProcess, log: URL) {
            var settings = settings
            settings[Setting.redisURL] = redis.url
            settings[Setting.masterKey] = String(repeating: "1a", count: 32)
            settings[Setting.readyFile] = redis.folder.appendingPathComponent("ready.json").path
            let log = redis.folder.appendingPathComponent("activated.log")
            let arguments =
                kinds + sockets.flatMap { ["--listen", "127.0.0.1:\($0.port)"] }
                + ["--fdname", sockets.map(\.name).joined(separator: ":")]
                + settings.flatMap { ["--setenv", "\($0.key.environment)=\($0.value)"] }
            let process = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/systemd-socket-activate"),
                arguments: arguments + [Deployment.executable(executable).path], log: log)
            return (process, log)
        }

        /// Connects until what listens has started.
        private static func get(_ path: String, at port: Int) async throws -> HTTPReply? {
            try await eventually {
                let caller = HTTPCaller("127.0.0.1:\(port)")
                let reply = try? await caller.send("GET", path, headers: Load.headers)
                await caller.close()
                return reply
            }
        }

        @Test func `Listeners use the sockets of their settings' names, whatever the settings say`() async throws {
            try await withRedis { redis in
                let ports = [try await freeLoopbackPort(), try await freeLoopbackPort()]
                let (process, _) = try Self.activated(
                    "herald-api", [("api.admin.listen", ports[0]), ("api.listen", ports[1])], redis,
                    [Setting.apiListen: "127.0.0.1:1", Setting.apiWebSocketListen: "127.0.0.1:0"])
                // The connection that starts it is answered.
                let answered = try await Self.get("/v2/queues", at: ports[1])
                #expect(answered?.status == 200, "\(String(describing: answered))")
                #expect(try await Self.get("/livez", at: ports[0])?.status == 200)
                let ready = ReadyFile.Content.read(
                    path: redis.folder.appendingPathComponent("ready.json").path)
                #expect(ready?.listen == "127.0.0.1:\(ports[1])" && ready?.admin == "127.0.0.1:\(ports[0])")
                await process.stop()
                #expect(process.exit == .status(0))
            }
        }

        @Test func `A notifier has its admin listener there`() async throws {
            try await withRedis { redis in
                let port = try await freeLoopbackPort()
                let (process, _) = try Self.activated("herald-notifier", [("notifier.admin.listen", port)], redis)
                #expect(try await Self.get("/livez", at: port)?.status == 200)
                await process.stop()
                #expect(process.exit == .status(0))
            }
        }

        @Test(arguments: [
            (
                names: ["api.listen", "web"], kinds: [String](),
                words: "the socket 'web' that was passed to this process has no name"
            ),
            (names: ["notifier.admin.listen"], kinds: [], words: "has to be one of api.listen, api.admin.listen"),
            (
                names: ["api.listen", "api.listen"], kinds: [],
                words: "'api.listen' that was passed to this process is there twice"
            ),
            (names: ["api.listen"], kinds: ["--datagram"], words: "is no socket that listens for streams"),
        ])
        func `A socket that no listener can use is an error`(names: [String], kinds: [String], words: String)
            async throws
        {
            try await withRedis { redis in
                var sockets: [(name: String, port: Int)] = []
                for name in names { sockets.append((name, try await freeLoopbackPort())) }
                let (process, log) = try Self.activated("herald-api", sockets, redis, kinds: kinds)
                let exit = try await eventually { () -> ChildProcess.Exit? in
                    if let exit = process.exit { return exit }
                    try await Self.wake(sockets[0].port, isDatagram: !kinds.isEmpty)
                    return nil
                }
                let said = try String(contentsOf: log, encoding: .utf8)
                #expect(exit == .status(78) && said.contains(words), "\(said)")
            }
        }

        private static func wake(_ port: Int, isDatagram: Bool) async throws {
            guard isDatagram else {
                let caller = HTTPCaller("127.0.0.1:\(port)")
                _ = try? await caller.send("GET", "/", within: .milliseconds(100))
                return await caller.close()
            }
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = sendto(descriptor, "x", 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }
}
