import CLI
import Foundation
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
    }
}
