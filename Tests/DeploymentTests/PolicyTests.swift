import Foundation
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// Files of the policy under a whole API.
    struct PolicyTests {
        /// An API with files of the policy, and what its operator sees.
        private struct Operated {
            let folder: URL
            let api: Deployment.Running
            let deployment: Deployment

            /// Replaces a file as one step.
            func write(_ text: String, _ name: String = "policy.yaml") throws {
                try Data(text.utf8).write(to: self.folder.appendingPathComponent(name), options: .atomic)
            }

            func status(_ method: String, _ path: String, roles: String) async throws -> Int {
                let headers = [("Client-ID", UUID().uuidString), ("X-Project-Id", "p"), ("X-Roles", roles)]
                return try await HTTPCaller(self.api.address).send(method, path, headers: headers).status
            }

            /// Waits until a request is answered so.
            func expect(
                _ status: Int, _ method: String, roles: String, location: SourceLocation = #_sourceLocation
            ) async throws {
                let answered = try await eventually {
                    try await self.status(method, "/v2/queues/q", roles: roles) == status ? true : nil
                }
                #expect(answered == true, "\(self.deployment.logs)", sourceLocation: location)
            }

            func metric(_ line: String) async throws -> Double? {
                let text = try await HTTPCaller(self.api.ready.admin ?? "").send("GET", "/metrics").text
                return text.split(separator: "\n").first { $0.hasPrefix(line + " ") }.flatMap {
                    Double($0.dropFirst(line.count + 1))
                }
            }

            /// Waits until so many files could not be used.
            func expectFailures(_ count: Double) async throws {
                let counted = try await eventually {
                    try await self.metric(#"herald_policy_reloads_total{result="failure"}"#) == count ? true : nil
                }
                #expect(counted == true, "\(self.deployment.logs)")
            }

            var errors: Int { self.deployment.logs.matches(of: /The policy cannot be used/).count }
        }

        private static func with(_ policy: String?, _ body: (Operated) async throws -> Void) async throws {
            try await withTemporaryFolder { folder in
                var settings: [String: String] = [:]
                if let policy {
                    let directory = folder.appendingPathComponent("policy.d")
                    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
                    let file = folder.appendingPathComponent("policy.yaml")
                    try Data(policy.utf8).write(to: file)
                    settings = [
                        Setting.apiPolicyFile.environment: file.path,
                        Setting.apiPolicyDirectory.environment: directory.path,
                    ]
                }
                try await withDeployment(settings: settings) { deployment in
                    let api = try await deployment.startAPI()
                    try await body(Operated(folder: folder, api: api, deployment: deployment))
                }
            }
        }

        @Test func `A changed file is taken, a broken one reported once, and the rules from before stay`() async throws
        {
            try await Self.with("queues:create: role:first\n") { operated async throws in
                let started = try #require(try await operated.metric("herald_policy_read_timestamp_seconds"))
                #expect(try await operated.status("PUT", "/v2/queues/q", roles: "other") == 403)
                #expect(try await operated.status("PUT", "/v2/queues/q", roles: "first") == 201)
                try operated.write("queues:create: role:second\n")
                try await operated.expect(204, "PUT", roles: "second")
                #expect(try await operated.status("PUT", "/v2/queues/q", roles: "first") == 403)
                #expect(try await operated.metric(#"herald_policy_reloads_total{result="success"}"#) == 1)
                #expect(try #require(try await operated.metric("herald_policy_read_timestamp_seconds")) > started)

                try operated.write("queues:craete: role:second\n")
                try await operated.expectFailures(1)
                #expect(operated.errors == 1 && operated.deployment.logs.contains("did you mean 'queues:create'?"))
                #expect(try await operated.status("PUT", "/v2/queues/q", roles: "second") == 204)

                try operated.write("queues:create: role:second\n")
                try operated.write("queues:create: role:third\n", "policy.d/10-ours.yaml")
                try await operated.expect(204, "PUT", roles: "third")
                #expect(try await operated.status("PUT", "/v2/queues/q", roles: "second") == 403)
                #expect(operated.errors == 1)
            }
        }

        @Test func `SIGHUP has the files read at once, and ends the API neither with nor without files`() async throws {
            try await Self.with("queues:create: role:first\n") { operated async throws in
                try operated.write("queues:create: role:second\n")
                operated.api.process.signal(SIGHUP)
                try await operated.expect(201, "PUT", roles: "second")
                try operated.write("[")
                operated.api.process.signal(SIGHUP)
                try await operated.expectFailures(1)
                #expect(try await operated.status("PUT", "/v2/queues/q", roles: "second") == 204)
                #expect(await operated.api.process.stop() == .status(0))
            }
            try await Self.with(nil) { operated async throws in
                operated.api.process.signal(SIGHUP)
                let noted = try await eventually {
                    operated.deployment.logs.contains("no files of the policy to read again") ? true : nil
                }
                #expect(noted == true)
                #expect(try await operated.status("PUT", "/v2/queues/q", roles: "") == 201)
                #expect(await operated.api.process.stop() == .status(0))
            }
        }

        @Test(arguments: [
            ("queues:create: role:a or", "api.policy.file: '", "rule 'queues:create', column 10: expected a check"),
            ("queue:create: ''", "api.policy.file: '", "did you mean 'queues:create'?"),
            ("queues:get: rule:a\na: rule:queues:get", "api.policy.file: '", "a > queues:get > a"),
        ])
        func `A file that cannot be used ends the start with 78 and one line`(
            text: String, setting: String, words: String
        ) async throws {
            try await withTemporaryFolder { folder in
                let (file, log) = (
                    folder.appendingPathComponent("policy.yaml"), folder.appendingPathComponent("api.log")
                )
                try Data(text.utf8).write(to: file)
                let api = try ChildProcess(
                    Deployment.executable("herald-api"),
                    arguments: [
                        "--master-key", String(repeating: "3c", count: 32), "--admin-listen", "127.0.0.1:0",
                        Setting.apiPolicyFile.flag, file.path,
                    ], log: log)
                #expect(await api.waitForExit(within: .seconds(60)) == .status(78))
                let lines = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").filter {
                    $0.hasPrefix("herald-api: ")
                }
                #expect(lines.count == 1 && lines[0].hasPrefix("herald-api: \(setting)"), "\(lines)")
                #expect(lines.first?.contains(words) == true, "\(lines)")
            }
        }
    }
}
