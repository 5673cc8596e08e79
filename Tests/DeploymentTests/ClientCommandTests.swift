import CLI
import Foundation
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// Commands that speak to the API, as a script calls them.
    struct ClientCommandTests {
        private static func run(
            _ arguments: [String], environment: [String: String] = [:], in folder: URL
        ) async throws -> (status: CommandStatus?, hasSucceeded: Bool, output: String) {
            let log = folder.appendingPathComponent("\(UUID().uuidString).log")
            let command = try ChildProcess(
                Deployment.executable("herald"), arguments: arguments,
                environment: environment.merging(["HOME": folder.path]) { first, _ in first }, log: log)
            let exit = await command.waitForExit()
            let output = try String(contentsOf: log, encoding: .utf8)
            return (CommandStatus.allCases.first { exit == .status($0.rawValue) }, exit == .status(0), output)
        }

        @Test func `Queues are listed page by page and shown in each form, and a failure has a status of its own`()
            async throws
        {
            try await withTemporaryFolder { folder in
                try await withDeployment { deployment in
                    let api = try await deployment.startAPI()
                    let caller = HTTPCaller(api.address)
                    let headers = [("X-Project-ID", "p"), ("Client-ID", UUID().uuidString)]
                    for number in 0..<23 {
                        let made = try await caller.send(
                            "PUT", "/v2/queues/q\(number)", headers: headers, body: #"{"_ttl":60}"#)
                        #expect(made.status == 201)
                    }
                    let url = "http://\(api.address)"
                    let options = ["--url", url, "--project", "p"]
                    let listed = try await Self.run(["queue", "list", "-o", "json"] + options, in: folder)
                    #expect(listed.hasSucceeded, "\(listed.output)")
                    let names = try OutputValue(json: Array(listed.output.utf8)).elements?.compactMap {
                        $0["name"]?.text
                    }
                    #expect(Set(names ?? []) == Set((0..<23).map { "q\($0)" }) && names?.count == 23)
                    let environment = ["HERALD_URL": url, "HERALD_PROJECT": "p"]
                    let shown = try await Self.run(["queue", "show", "q1"], environment: environment, in: folder)
                    #expect(shown.hasSucceeded && shown.output.contains("metadata  _ttl=60"), "\(shown.output)")
                    for (arguments, status) in [
                        (["queue", "show", "a/b"] + options, CommandStatus.refused),
                        (["queue", "list", "--url", "http://127.0.0.1:1", "--project", "p"], .unavailable),
                        (["queue", "list", "--url", "ftp://x", "--project", "p"], .usage),
                        (["queue", "list"], .usage), (["queue", "list", "--profile", "x"], .configuration),
                    ] {
                        let failed = try await Self.run(arguments, in: folder)
                        #expect(failed.status == status, "\(arguments): \(failed.output)")
                        #expect(failed.output.hasPrefix("herald: "), "\(failed.output)")
                    }
                }
            }
        }

        @Test func `What all projects have is listed page by page, for administrators`() async throws {
            try await withTemporaryFolder { folder in
                try await withDeployment(settings: [Setting.apiAdminMode.environment: "true"]) { deployment in
                    let api = try await deployment.startAPI()
                    let caller = HTTPCaller(api.address)
                    for number in 0..<23 {
                        let headers = [("X-Project-ID", "p\(number % 3)"), ("Client-ID", UUID().uuidString)]
                        let made = try await caller.send(
                            "POST", "/v2/queues/q\(number)/subscriptions", headers: headers,
                            body: #"{"subscriber": "http://127.0.0.1:9/path"}"#)
                        #expect(made.status == 201)
                    }
                    let options = ["--url", "http://\(api.address)", "--project", "any"]
                    func rows(_ arguments: String...) async throws -> [OutputValue] {
                        let listed = try await Self.run(["admin"] + arguments + ["-o", "json"] + options, in: folder)
                        #expect(listed.hasSucceeded, "\(listed.output)")
                        return try OutputValue(json: Array(listed.output.utf8)).elements ?? []
                    }
                    #expect(try await rows("subscriptions").isEmpty, "none is in trouble")
                    let all = try await rows("subscriptions", "--state", "all")
                    #expect(all.count == 23 && all.allSatisfy { $0["endpoint"]?.text == "http://127.0.0.1:9" })
                    #expect(try await rows("subscriptions", "--state", "all", "--of", "p1").count == 8)
                    let one = try await rows("subscriptions", "--state", "all", "--of", "p1", "--queue", "q4")
                    #expect(one.map { $0["queue"]?.text } == ["q4"])
                    #expect(try await rows("queues").count == 23)
                    #expect(try await rows("queues", "--of", "p2", "--state", "all").count == 7)
                    #expect(try await rows("queues", "--state", "holding").isEmpty)
                    #expect(try await rows("projects").map { $0["project"]?.text } == ["p0", "p1", "p2"])
                    let few = try await Self.run(["admin", "queues", "--limit", "2"] + options, in: folder)
                    #expect(few.hasSucceeded && few.output.contains("There are more: --limit shows them."))
                    for (arguments, status) in [
                        (["subscriptions", "--state", "broken"], CommandStatus.refused),
                        (["queues", "--limit", "0"], .usage),
                    ] {
                        let failed = try await Self.run(["admin"] + arguments + options, in: folder)
                        #expect(failed.status == status, "\(arguments): \(failed.output)")
                    }
                }
            }
        }
    }
}
