import CLI
import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// `herald policy`, as a script calls it.
    struct PolicyCommandTests {
        private static func run(
            _ arguments: [String], in folder: URL
        ) async throws -> (exit: ChildProcess.Exit, output: String) {
            let log = folder.appendingPathComponent("\(UUID().uuidString).log")
            let command = try ChildProcess(
                Deployment.executable("herald"), arguments: ["policy"] + arguments, environment: ["HOME": folder.path],
                log: log)
            let exit = await command.waitForExit(within: .seconds(60))
            return (exit, try String(contentsOf: log, encoding: .utf8))
        }

        @Test func `Every option of a check says something about the caller`() async throws {
            try await withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("policy.yaml").path
                try Data(
                    """
                    queues:create: role:maker
                    queues:get: user_id:u
                    queues:update: project_id:p
                    queues:delete: domain_id:d
                    queues:stats: system_scope:all
                    queues:purge: client_id:c
                    queues:share: "'t':%(project_id)s"
                    queues:get_all: rule:admin_or_owner
                    """.utf8
                ).write(to: URL(fileURLWithPath: file))
                for (rule, option) in [
                    ("queues:create", ["--roles", "other, MAKER"]), ("queues:get", ["--user", "u"]),
                    ("queues:update", ["--project", "p"]), ("queues:delete", ["--domain", "d"]),
                    ("queues:stats", ["--system-scope", "all"]), ("queues:purge", ["--client", "c"]),
                    ("queues:share", ["--target-project", "t"]), ("queues:share", ["--project", "t"]),
                    ("queues:get_all", ["--project", "p"]),
                ] {
                    let arguments = ["check", "--file", file, "--rule", rule]
                    let denied = try await Self.run(arguments, in: folder)
                    #expect(denied.exit == .status(1) && denied.output.hasPrefix("denied\n"), "\(denied.output)")
                    let allowed = try await Self.run(arguments + option, in: folder)
                    #expect(allowed.exit == .status(0) && allowed.output.hasPrefix("allowed\n"), "\(allowed.output)")
                }
                let foreign = ["--project", "p", "--target-project", "t"]
                let check = ["check", "--file", file, "--rule", "queues:get_all"]
                #expect(try await Self.run(check + foreign, in: folder).exit == .status(1))
                #expect(try await Self.run(check + foreign + ["--roles", "admin"], in: folder).exit == .status(0))
            }
        }

        @Test func `The list has every rule, where it comes from and what it guards, as JSON too`() async throws {
            try await withTemporaryFolder { folder in
                let directory = folder.appendingPathComponent("policy.d")
                try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
                let file = directory.appendingPathComponent("a.yaml").path
                try Data("queues:get: rule:ours\nours: [[role:a, role:b], role:c]\n".utf8)
                    .write(to: URL(fileURLWithPath: file))
                let run = try await Self.run(["list", "--directory", directory.path, "-o", "json"], in: folder)
                #expect(run.exit == .status(0), "\(run.output)")
                let rows = try #require(try OutputValue(json: Array(run.output.utf8)).elements)
                func row(_ name: String) -> OutputValue? { rows.first { $0["rule"]?.text == name } }
                #expect(row("queues:get")?["source"]?.text == file && row("queues:get")?["check"]?.text == "rule:ours")
                #expect(
                    row("queues:get")?["guards"]?.elements?.compactMap(\.text) == [
                        "GET /v2/queues/{queue}", "queue_get",
                    ])
                #expect(row("ours")?["check"]?.text == "(role:a and role:b) or role:c")
                #expect(row("ours")?["guards"]?.elements?.isEmpty == true)
                #expect(
                    row("queues:create")?["source"]?.text == "default" && row("queues:create")?["check"]?.text == "@")
            }
        }

        @Test func `Files that cannot be used are 78, and a rule that is not there is no denial`() async throws {
            try await withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("policy.yaml").path
                try Data("queues:get: role:a or or role:b\n".utf8).write(to: URL(fileURLWithPath: file))
                let words = "herald: \(file): rule 'queues:get', column 11: expected a check"
                for arguments in [["list", "--file", file], ["check", "--file", file, "--rule", "queues:get"]] {
                    let broken = try await Self.run(arguments, in: folder)
                    #expect(broken.exit == .status(78) && broken.output.hasPrefix(words), "\(broken.output)")
                }
                let missing = try await Self.run(["list", "--file", file + "x"], in: folder)
                #expect(missing.exit == .status(78) && missing.output.contains("No such file"), "\(missing.output)")
                let unknown = try await Self.run(["check", "--rule", "queue:get"], in: folder)
                #expect(unknown.exit == .status(64), "\(unknown.output)")
                #expect(unknown.output == "herald: there is no rule 'queue:get'; did you mean 'queues:get'?\n")
            }
        }
    }
}
