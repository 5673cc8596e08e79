import Foundation
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// What a new user pastes, run as it is printed; only the ports are those of the test.
    struct ExampleTests {
        @Test func `The quick start of docs-api-md brings a signed webhook to its receiver`() async throws {
            let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let page = try String(
                contentsOf: top.deletingLastPathComponent().appendingPathComponent("docs/api.md"), encoding: .utf8)
            // A page of Markdown has its code between the odd and the even fences.
            let blocks = page.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            let examples = Array(blocks.prefix(2)).map { String($0.drop { $0 != "\n" }.dropFirst()) }
            try #require(examples.count == 2)
            try await Self.withDev { folder, url, _ async throws in
                let port = try await freeLoopbackPort()
                let here = { (text: String) in
                    text.replacing("http://127.0.0.1:8888", with: url).replacing("3000", with: "\(port)")
                }
                let received = folder.appendingPathComponent("received.log")
                // Replaced by Python, so that its end is Python's.
                let receiver = try Self.bash("exec \(here(examples[0]))", in: folder, log: received)
                defer { receiver.signal(SIGKILL) }
                let isListening = try await eventually {
                    let caller = HTTPCaller("127.0.0.1:\(port)")
                    defer { Task { await caller.close() } }
                    // Nothing listens yet; afterwards it refuses GET.
                    return (try? await caller.send("GET", "/").status) == 501 ? true : nil
                }
                #expect(isListening == true, "\(Self.text(of: received))")
                let calls = folder.appendingPathComponent("calls.log")
                #expect(await (try Self.bash(here(examples[1]), in: folder, log: calls)).waitForExit() == .status(0))
                let answers = Self.text(of: calls).matches(of: /HTTP\/1.1 (\d+)/).map { String($0.1) }
                #expect(answers == ["201", "201", "201"], "\(Self.text(of: calls))")
                let arrived = try await eventually {
                    Self.text(of: received).contains(#""body":{"order": 81}"#) ? true : nil
                }
                #expect(arrived == true, "\(Self.text(of: received))")
                #expect(Self.text(of: received).contains("webhook-signature: v1,"))
            }
        }

        @Test func `The lines that herald dev prints bring a webhook to a server that subscribes`() async throws {
            try await Self.withDev { folder, url, log async throws in
                try await WebhookReceiver.with { receiver in
                    let banner = Self.text(of: log)
                    #expect(banner.contains("Herald is up: \(url)"))
                    #expect(banner.contains("/livez, /readyz, /metrics"))
                    // The limit of open files decides on the default of notifier.concurrency without a warning.
                    #expect(!banner.contains("open files"), "\(banner)")
                    let lines = banner.split(separator: "\n").filter {
                        $0.hasPrefix("  curl") || $0.hasPrefix("    --json")
                    }
                    #expect(lines.count == 6, "\(banner)")
                    let script = lines.joined(separator: "\n").replacing(
                        "http://127.0.0.1:3000", with: "http://127.0.0.1:\(receiver.port)")
                    let calls = folder.appendingPathComponent("calls.log")
                    #expect(await (try Self.bash(script, in: folder, log: calls)).waitForExit() == .status(0))
                    let arrived = try await receiver.waitFor(count: 1)
                    #expect(arrived.first?["herald-message-type"] == "Notification", "\(Self.text(of: calls))")
                    #expect(Self.text(of: calls).contains(#""body":{"order": 1}"#), "the last line lists the message")
                }
            }
        }

        @Test func `Where confirmation is asked for, questions link to this API, and the demonstration confirms`()
            async throws
        {
            try await withTemporaryFolder { folder in
                // The folder has been used without: what its processes must have in common changes with the start.
                try await Self.runDev(in: folder) { _, _ async throws in }
                try await Self.runDev(in: folder, ["HERALD_CONFIRMATION_REQUIRED": "true"]) { url, _ async throws in
                    try await WebhookReceiver.with { receiver in
                        let caller = HTTPCaller(String(url.dropFirst("http://".count)))
                        let reply = try await caller.send(
                            "POST", "/v2/queues/orders/subscriptions",
                            headers: [
                                ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-ID", "demo"),
                                ("Content-Type", "application/json"),
                            ], body: #"{"subscriber": "\#(receiver.url("/in"))"}"#)
                        #expect(reply.status == 201, "\(reply)")
                        let question = try #require(try await receiver.waitFor(count: 1).first)
                        #expect(
                            question.text.contains(#""WSGISubscribeURL":"\#(url)/v2/queues/orders/"#),
                            "\(question.text)")
                        await caller.close()
                    }
                    let log = folder.appendingPathComponent("demo.log")
                    let demo = try ChildProcess(
                        Deployment.executable("herald"), arguments: ["demo", "--url", url],
                        environment: Self.environment(folder), log: log)
                    #expect(await demo.waitForExit() == .status(0), "\(Self.text(of: log))")
                    #expect(Self.text(of: log).contains("confirmed"))
                }
            }
        }

        @Test(arguments: ["herald", "herald-api", "herald-notifier"])
        func `The version names the commit`(executable: String) async throws {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("log")
                let process = try ChildProcess(Deployment.executable(executable), arguments: ["--version"], log: log)
                #expect(await process.waitForExit() == .status(0))
                let text = Self.text(of: log)
                #expect(
                    text.prefixMatch(of: /\d+\.\d+\.\d+ \(commit ([0-9a-f]{12,40}\+?|unknown)\)\n/) != nil, "\(text)")
                #expect(text == HeraldVersion.printed + "\n")
            }
        }

        // MARK: -

        private static func environment(_ folder: URL) -> [String: String] {
            [
                "HOME": folder.path, "TMPDIR": folder.path,
                "XDG_STATE_HOME": folder.appendingPathComponent("state").path,
            ]
        }

        private static func withDev(
            _ body: (_ folder: URL, _ url: String, _ log: URL) async throws -> Void
        ) async throws {
            try await withTemporaryFolder { folder in
                try await self.runDev(in: folder) { url, log async throws in try await body(folder, url, log) }
            }
        }

        /// Runs `body` beside a `herald dev`, and ends it with Ctrl-C.
        private static func runDev(
            in folder: URL, _ settings: [String: String] = [:],
            _ body: (_ url: String, _ log: URL) async throws -> Void
        ) async throws {
            struct Record: Decodable {
                let url: String
            }
            let log = folder.appendingPathComponent("dev-\(settings.count).log")
            let dev = try ChildProcess(
                Deployment.executable("herald"), arguments: ["dev", "--listen", "127.0.0.1:0"],
                environment: self.environment(folder).merging(settings) { _, new in new }, log: log)
            defer { dev.signal(SIGKILL) }
            _ = try await eventually { self.text(of: log).contains("Ctrl-C") || dev.exit != nil ? true : nil }
            try #require(dev.exit == nil, "\(self.text(of: log))")
            let record = folder.appendingPathComponent("state/herald/dev/dev.json")
            let url = try JSONDecoder().decode(Record.self, from: Data(contentsOf: record)).url
            try await body(url, log)
            dev.signal(SIGINT)
            #expect(await dev.waitForExit(within: .seconds(60)) == .status(0), "\(self.text(of: log))")
            let last = self.text(of: log).split(separator: "\n").last ?? ""
            #expect(last.hasPrefix("Stopped herald-notifier, herald-api, redis-server. Kept in "), "\(last)")
        }

        private static func bash(_ script: String, in folder: URL, log: URL) throws -> ChildProcess {
            try ChildProcess(
                URL(fileURLWithPath: "/bin/bash"), arguments: ["-c", script], environment: self.environment(folder),
                log: log)
        }

        private static func text(of log: URL) -> String {
            // Absent until the first line.
            (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        }
    }
}
