import Foundation
import NIOCore
import TestKit
import Testing

extension DeploymentTests {
    /// Standard error that is a pipe nothing reads from: a stopped `journald`, a supervisor that hangs.
    struct UnreadLogTests {
        @Test func `Processes whose log is not read serve on, recover with Redis, and stop in time`() async throws {
            try await withRedis(appendOnly: true) { redis in
                try await withTemporaryFolder { folder in
                    let log = folder.appendingPathComponent("log")
                    try #require(mkfifo(log.path, 0o600) == 0)
                    // Open for both, or the processes could not open it; nothing reads.
                    let unread = open(log.path, O_RDWR | O_CLOEXEC)
                    try #require(unread >= 0)
                    defer { close(unread) }
                    // Full from the start, so that every line of the processes meets a full pipe.
                    _ = fcntl(unread, F_SETFL, O_NONBLOCK)
                    let filling = [UInt8](repeating: 0x2E, count: 4096)
                    while write(unread, filling, filling.count) > 0 {}

                    let environment = [
                        "HERALD_REDIS_URL": redis.url,
                        "HERALD_MASTER_KEY": String(repeating: "0123456789abcdef", count: 4),
                        "HERALD_API_LISTEN": "127.0.0.1:0", "HERALD_API_WEBSOCKET_LISTEN": "127.0.0.1:0",
                        "HERALD_API_ADMIN_LISTEN": "127.0.0.1:0",
                        "HERALD_NOTIFIER_ADMIN_LISTEN": "127.0.0.1:0", "HERALD_LOG_LEVEL": "debug",
                        "HERALD_API_DRAIN": "2", "HERALD_NOTIFIER_DRAIN": "2",
                    ]
                    var processes: [String: (process: ChildProcess, admin: String, listen: String?)] = [:]
                    for name in ["herald-api", "herald-notifier"] {
                        let ready = folder.appendingPathComponent("\(name).json")
                        let process = try ChildProcess(
                            Deployment.executable(name), arguments: [],
                            environment: environment.merging(["HERALD_READY_FILE": ready.path]) { _, new in new },
                            log: log)
                        let content = try await eventually { Ready.read(ready) }
                        let found = try #require(
                            content, "\(name) is not ready, ended: \(String(describing: process.exit))")
                        processes[name] = (process, found.admin, found.listen)
                    }
                    defer { for running in processes.values { running.process.signal(SIGKILL) } }
                    let api = try #require(processes["herald-api"])

                    await redis.stop()
                    let caller = HTTPCaller(try #require(api.listen))
                    // Each failed request was a line of its own once, and 301 of them filled the pipe.
                    for _ in 0..<1000 {
                        let reply = try await caller.send(
                            "GET", "/v2/queues/q/messages",
                            headers: [
                                ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-ID", "demo"),
                            ])
                        #expect(reply.status == 503)
                    }
                    try await redis.start()
                    for (name, running) in processes {
                        let admin = HTTPCaller(running.admin)
                        #expect(try await admin.send("GET", "/livez").status == 200, "\(name)")
                        let isReady = try await eventually {
                            try await admin.send("GET", "/readyz").status == 200 ? true : nil
                        }
                        #expect(isReady == true, "\(name)")
                        await admin.close()
                    }
                    await caller.close()
                    for (name, running) in processes {
                        running.process.signal(SIGTERM)
                        #expect(await running.process.waitForExit(within: .seconds(30)) == .status(0), "\(name)")
                    }
                }
            }
        }
    }

    private struct Ready: Decodable, Sendable {
        let admin: String
        let listen: String?

        static func read(_ file: URL) -> Ready? {
            // It appears whole; until then there is none.
            FileManager.default.contents(atPath: file.path).flatMap { try? JSONDecoder().decode(Self.self, from: $0) }
        }
    }
}
