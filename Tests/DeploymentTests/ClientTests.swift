import Foundation
import HTTPServer
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// Programs that others wrote, as PyPI has them, against an API without authentication.
    ///
    /// Each of the scripts in `Clients` prints a line per step. `scripts/requirements.txt` tells the versions.
    struct ClientTests {
        /// Everything that the API serves only on request is switched on.
        static let settings = [
            "HERALD_API_ADMIN_MODE": "true",
            "HERALD_SIGNED_URL_KEYS": "the-key-that-signs-urls-for-clients",
        ]

        // With the same seed schemathesis makes up the same requests. By hand, `Clients/fuzz.py` takes any other.
        static let seed = 20

        @Test func `python-zaqarclient works through every call of its API 2`() async throws {
            try await withRedis { pool in try await Self.drive("zaqarclient_v2.py", pool.url) }
        }

        @Test
        func `The WebSocket transport of python-zaqarclient works through its calls, with a token that nothing checks`()
            async throws
        {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let address = try #require(api.ready.websocket)
                let run = try await Python.run { _ in [Self.script("zaqarclient_websocket.py"), "ws://\(address)/"] }
                #expect(run.exit == .status(0), "\(run.output)\n\(deployment.logs)")
            }
        }

        @Test func `The message resources of openstacksdk work through every call of their proxy`() async throws {
            try await Self.drive("openstacksdk_message.py")
        }

        // MARK: Keystone

        @Test
        func `python-zaqarclient works through every call of its API 2 with Keystone, and finds us in the catalogue`()
            async throws
        {
            try await withRedis { pool in try await Self.drive("zaqarclient_v2.py", behindKeystone: pool.url) }
        }

        @Test func `The message resources of openstacksdk work with credentials and the catalogue of Keystone`()
            async throws
        {
            try await Self.drive("openstacksdk_message.py", behindKeystone: nil)
        }

        @Test func `Every messaging command of python-openstackclient works with Keystone`() async throws {
            try await withRedis { pool in try await Self.drive("openstack_messaging.py", behindKeystone: pool.url) }
        }

        @Test func `The WebSocket transport of python-zaqarclient works with a token of Keystone`() async throws {
            let keystone = try await KeystoneServer.shared()
            try await withDeployment(settings: Self.settings.merging(keystone.settings) { $1 }) { deployment in
                let api = try await deployment.startAPI()
                let address = try #require(api.ready.websocket)
                let run = try await Python.run { _ in
                    [
                        Self.script("zaqarclient_websocket.py"), "ws://\(address)/", keystone.url,
                        keystone.project("alpha"),
                    ]
                }
                #expect(run.exit == .status(0), "\(run.output)\n\(deployment.logs)")
            }
        }

        /// - Parameter pool: A Redis of its own, for those that take one.
        private static func drive(_ name: String, behindKeystone pool: String?) async throws {
            let keystone = try await KeystoneServer.shared(by: Self.self)
            try await withDeployment(settings: Self.settings.merging(keystone.settings) { $1 }) { deployment in
                let api = try await deployment.startAPI()
                try await keystone.setService(type: "messaging", name: "zaqar", url: "http://\(api.address)")
                let run = try await Python.run { _ in
                    [Self.script(name), "http://\(api.address)"] + (pool.map { [$0] } ?? [])
                        + [keystone.url, keystone.project("alpha")]
                }
                #expect(run.exit == .status(0), "\(run.output)\n\(deployment.logs)")
            }
        }

        // MARK: Other clients

        @Test func `Java's HttpClient as it comes posts 100 of 100`() async throws {
            try await Self.post100("/usr/bin/java", [Self.script("Post100.java")], project: "java")
        }

        @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/node"), "there is no node"))
        func `The fetch of Node as it comes posts 100 of 100`() async throws {
            try await Self.post100("/usr/bin/node", [Self.script("post_100.mjs")], project: "node")
        }

        @Test func `The requests of Python post 100 of 100 over one connection`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let run = try await Python.run { _ in [Self.script("post_100.py"), "http://\(api.address)"] }
                #expect(run.output == "created 100, connections 1\n" && run.exit == .status(0), "\(run.output)")
            }
        }

        @Test func `curl that asks for HTTP-2 with each posts 100 of 100 over one connection`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let output = try await Self.output(
                    of: "/usr/bin/curl",
                    [
                        "--silent", "--http2", "--json", #"{"messages": [{"body": 1}]}"#, "--output", "/dev/null",
                        "--header", "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c", "--header", "X-Project-Id: curl",
                        "--write-out", #"%{http_code} %{num_connects}\n"#,
                        "http://\(api.address)/v2/queues/q/messages?turn=[1-100]",
                    ])
                let lines = output.split(separator: "\n")
                #expect(lines.first == "201 1" && lines.dropFirst().allSatisfy { $0 == "201 0" }, "\(output)")
                #expect(lines.count == 100)
            }
        }

        /// Runs a program that posts 100 messages to the queue `q`, and counts them.
        private static func post100(_ program: String, _ arguments: [String], project: String) async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let output = try await Self.output(of: program, arguments + ["http://\(api.address)"])
                #expect(output.hasSuffix("created 100\n"), "\(output)")
                let stats = try await HTTPCaller(api.address).send(
                    "GET", "/v2/queues/q/stats",
                    headers: [("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", project)])
                #expect(stats.text.contains(#""total":100"#))
            }
        }

        private static func output(of program: String, _ arguments: [String]) async throws -> String {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("client.log")
                let process = try ChildProcess(
                    URL(fileURLWithPath: program), arguments: arguments, environment: [:], log: log)
                #expect(await process.waitForExit(within: .seconds(300)) == .status(0))
                return String(decoding: try Data(contentsOf: log), as: UTF8.self)
            }
        }

        @Test func `openapi-spec-validator has no objection to the OpenAPI document`() async throws {
            try await withDeployment(settings: Self.settings) { deployment in
                let api = try await deployment.startAPI()
                let served = try await HTTPCaller(api.address).send("GET", "/v2/openapi.json")
                try #require(served.status == 200)
                let run = try await Python.run { folder in
                    let file = folder.appendingPathComponent("openapi.json")
                    try Data(served.text.utf8).write(to: file)
                    return ["-m", "openapi_spec_validator", "--validation-errors", "all", file.path]
                }
                #expect(run.exit == .status(0), "\(run.output)")
            }
        }

        @Test func `schemathesis finds no 5xx and nothing the OpenAPI document does not tell`() async throws {
            try await withDeployment(settings: Self.settings) { deployment in
                let api = try await deployment.startAPI()
                let run = try await Python.run { folder in
                    [Self.script("fuzz.py"), "http://\(api.address)", folder.path, "\(Self.seed)"]
                }
                #expect(run.exit == .status(0), "\(run.output)\n\(deployment.logs)")
                #expect(api.process.exit == nil, "\(deployment.logs)")
                // A run that tried nothing finds nothing, too.
                let cases = try #require(run.output.firstMatch(of: /(\d+) generated/), "\(run.output)")
                #expect(Int(cases.1) ?? 0 > 1000, "\(run.output)")
                report("schemathesis", "\(cases.0), seed \(Self.seed)")
            }
        }

        private static func drive(_ name: String, _ arguments: String...) async throws {
            try await withDeployment(settings: Self.settings) { deployment in
                let api = try await deployment.startAPI()
                let run = try await Python.run { _ in [Self.script(name), "http://\(api.address)"] + arguments }
                #expect(run.exit == .status(0), "\(run.output)\n\(deployment.logs)")
            }
        }

        private static func script(_ name: String) -> String {
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Clients/\(name)").path
        }
    }
}
