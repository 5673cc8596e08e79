import CLI
import Foundation
import NIOConcurrencyHelpers
import Settings
import TestKit
import Testing

/// The order of starts and stops, with a real Redis and two shell scripts in the places of the processes.
struct DevDeploymentTests {
    /// Writes a ready file and waits for SIGTERM, which it notes in `order`.
    private static let obedient = """
        trap 'echo "$name" >> "$HERALD_TEST_ORDER"; rm -f "$HERALD_READY_FILE"; exit 0' TERM
        env | grep ^HERALD_ | sort > "$HERALD_TEST_ORDER.$name"
        printf '{"pid": %d, "listen": "127.0.0.1:1", "admin": "127.0.0.1:2"}' $$ > "$HERALD_READY_FILE.part"
        mv "$HERALD_READY_FILE.part" "$HERALD_READY_FILE"
        while :; do sleep 0.02; done
        """

    /// There is no interruption; the end of the test cancels the waiting.
    private static let never: @Sendable () async -> Void = { try? await Task.sleep(for: .seconds(3600)) }

    private func withPlan(
        api: String = DevDeploymentTests.obedient, notifier: String = DevDeploymentTests.obedient,
        _ body: (DevDeployment.Plan, _ order: URL, Terminal, NIOLockedValueBox<[String]>) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { top in
            for (name, script) in [("herald-api", api), ("herald-notifier", notifier)] {
                // Copied by a process of its own: a file this process wrote is "busy" for as long as the fork of another
                // test holds on to the descriptor it was written through.
                let (text, file) = (top.appendingPathComponent("\(name).text"), top.appendingPathComponent(name))
                try Data("#!/bin/sh\nname=\(name)\n\(script)\n".utf8).write(to: text)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: text.path)
                let copy = try ChildProcess(
                    URL(fileURLWithPath: "/bin/cp"), arguments: ["-p", text.path, file.path],
                    log: top.appendingPathComponent("cp.log"))
                try #require(await copy.waitForExit() == .status(0))
            }
            let order = top.appendingPathComponent("order")
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let plan = DevDeployment.Plan(
                folder: DevFolder(top.appendingPathComponent("deployment")), listen: nil, redisURL: nil,
                isVerbose: false,
                isKept: true, executables: top, environment: ["PATH": path, "HERALD_TEST_ORDER": order.path])
            let lines = NIOLockedValueBox<[String]>([])
            let terminal = Terminal(isColoured: false) { text in lines.withLockedValue { $0.append(text) } }
            try await body(plan, order, terminal, lines)
        }
    }

    @Test
    func `A deployment starts, says who it is, and stops in order: notifier, API, Redis`() async throws {
        try await self.withPlan { plan, order, terminal, lines async throws in
            let folder = plan.folder
            let seen = NIOLockedValueBox<DevRecord?>(nil)
            try await DevDeployment.run(plan, terminal: terminal, interruption: Self.never) { deployment in
                #expect(deployment.url == "http://127.0.0.1:1")
                #expect(deployment.redisURL == "unix://\(folder.url.path)/redis.sock")
                seen.withLockedValue { $0 = DevRecord.running(in: folder) }
            }
            let record = try #require(seen.withLockedValue { $0 })
            #expect(Set(record.children.keys) == ["redis-server", "herald-api", "herald-notifier"])
            #expect(try String(contentsOf: order, encoding: .utf8) == "herald-notifier\nherald-api\n")
            for id in record.children.values { #expect(kill(id, 0) == -1 && errno == ESRCH) }
            #expect(DevRecord.running(in: folder) == nil)
            let kept = try FileManager.default.contentsOfDirectory(atPath: folder.redis.path)
            #expect(kept.contains("appendonlydir"))
            #expect(
                lines.withLockedValue { $0.last }
                    == "Stopped herald-notifier, herald-api, redis-server. Kept in \(folder.url.path): keys, queues and messages."
            )
        }
    }

    @Test
    func `Loopback is opened for webhooks, keys come as files, the admin ports are the kernel's`() async throws {
        try await self.withPlan { plan, order, terminal, _ async throws in
            try await DevDeployment.run(plan, terminal: terminal, interruption: Self.never) { _ in }
            let notifier = try String(contentsOfFile: order.path + ".herald-notifier", encoding: .utf8)
            #expect(notifier.contains("HERALD_EGRESS_ALLOW=127.0.0.0/8,::1/128\n"))
            #expect(notifier.contains("HERALD_MASTER_KEY_FILE=\(plan.folder.masterKey.path)\n"))
            #expect(notifier.contains("HERALD_NOTIFIER_ADMIN_LISTEN=127.0.0.1:0\n"))
            #expect(notifier.contains("HERALD_LOG_LEVEL=warning\n"))
            let api = try String(contentsOfFile: order.path + ".herald-api", encoding: .utf8)
            // As the quick start of docs/api.md needs it: a subscriber is served without being asked first.
            #expect(!api.contains("HERALD_CONFIRMATION_REQUIRED") && !notifier.contains("HERALD_CONFIRMATION_REQUIRED"))
            let listen = try #require(api.firstMatch(of: /HERALD_API_LISTEN=(.+)/)?.1)
            #expect(api.contains("HERALD_API_WEBSOCKET_LISTEN=127.0.0.1:"))
            #expect(api.contains("HERALD_API_PUBLIC_URL=http://\(listen)\n"), "links of confirmations lead to the API")
            #expect(api.contains("HERALD_SIGNED_URL_KEYS_FILE=\(plan.folder.signedURLKey.path)\n"))
        }
    }

    @Test
    func `A child that ends by itself ends the deployment, and is named`() async throws {
        let dying = Self.obedient.replacing("while :; do sleep 0.02; done", with: "echo 'I cannot go on'; exit 3")
        try await self.withPlan(notifier: dying) { plan, order, terminal, lines async throws in
            await #expect {
                try await DevDeployment.run(plan, terminal: terminal, interruption: Self.never) { _ in
                    try await Task.sleep(for: .seconds(60))
                }
            } throws: { error in
                "\(error)" == "herald-notifier ended by itself with status 3"
            }
            #expect(try String(contentsOf: order, encoding: .utf8) == "herald-api\n")
            #expect(lines.withLockedValue { $0 }.contains { $0.contains("notifier") && $0.contains("I cannot go on") })
        }
    }

    @Test
    func `A deployment that cannot start is taken down again`() async throws {
        try await self.withPlan(api: "echo 'herald-api: shards: no'; exit 78") { plan, _, terminal, _ async throws in
            await #expect {
                try await DevDeployment.run(plan, terminal: terminal, interruption: Self.never) { _ in }
            } throws: { error in
                "\(error)".hasPrefix("herald-api ended ") && "\(error)".contains("status 78")
            }
            #expect(!FileManager.default.fileExists(atPath: plan.folder.url.appendingPathComponent("redis.sock").path))
        }
    }

    @Test
    func `What the body throws is what the deployment throws, after the stop`() async throws {
        struct Thrown: Error {}
        try await self.withPlan { plan, order, terminal, _ async throws in
            await #expect(throws: Thrown.self) {
                try await DevDeployment.run(plan, terminal: terminal, interruption: Self.never) { _ in throw Thrown() }
            }
            #expect(try String(contentsOf: order, encoding: .utf8) == "herald-notifier\nherald-api\n")
        }
    }

    @Test
    func `An interruption stops the deployment in order`() async throws {
        try await self.withPlan { plan, order, terminal, _ async throws in
            let (interruptions, interrupt) = AsyncStream.makeStream(of: Void.self)
            await #expect {
                try await DevDeployment.run(
                    plan, terminal: terminal,
                    interruption: {
                        for await _ in interruptions { return }
                    }
                ) { _ in
                    interrupt.yield()
                    try await Task.sleep(for: .seconds(60))
                }
            } throws: { error in
                "\(error)".contains("Interrupted")
            }
            #expect(try String(contentsOf: order, encoding: .utf8) == "herald-notifier\nherald-api\n")
        }
    }

    @Test
    func `The lines to paste speak of this deployment`() {
        let deployment = DevDeployment.Running(
            url: "http://127.0.0.1:4711", webSocket: "127.0.0.1:3", redisURL: "unix:///x", apiAdmin: "127.0.0.1:1",
            notifierAdmin: "127.0.0.1:2", remark: nil)
        let text = DevWelcome.lines(
            deployment, folder: DevFolder(URL(fileURLWithPath: "/x")),
            terminal: Terminal(isColoured: false, write: { _ in })
        ).joined(separator: "\n")
        #expect(text.contains("Herald is up: http://127.0.0.1:4711"))
        #expect(text.contains("ws://127.0.0.1:3/"))
        #expect(text.contains("demo --url http://127.0.0.1:4711"))
        #expect(text.contains("127.0.0.0/8,::1/128"))
        let given = DevDeployment.Running(
            url: "http://127.0.0.1:1", webSocket: nil, redisURL: "redis://user:p@ss@127.0.0.1:6379/1", apiAdmin: nil,
            notifierAdmin: nil, remark: nil)
        let lines = DevWelcome.lines(
            given, folder: DevFolder(URL(fileURLWithPath: "/x")), terminal: Terminal(isColoured: false, write: { _ in })
        )
        #expect(lines.contains("  Redis     redis://user:***@127.0.0.1:6379/1"), "without its password")
        #expect(text.contains("http://127.0.0.1:1 (API), http://127.0.0.1:2 (notifier)"))
    }
}
