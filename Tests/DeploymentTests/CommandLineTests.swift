import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// What a stranger types first.
    struct CommandLineTests {
        @Test
        func `The demonstration shows a signed webhook and a mail that was confirmed, and leaves nothing running`()
            async throws
        {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("demo.log")
                let demo = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["demo"], environment: Self.environment(folder),
                    log: log)
                let exit = await demo.waitForExit()
                let output = try String(contentsOf: log, encoding: .utf8)
                #expect(exit == .status(0), "\(output)")
                for word in [
                    "webhook-id", "webhook-timestamp", "webhook-signature: v1,", #""Message_Type":"Notification""#,
                    "with the button of the page behind its link", "alert: disk almost full", "the mail is readable",
                ] {
                    #expect(output.contains(word), "\(word) is missing in\n\(output)")
                }
                #expect(!output.contains("\u{1B}["), "colours are for terminals")
            }
        }

        @Test func `A deployment on one terminal starts, is found by the demonstration, and stops whole`() async throws
        {
            try await withTemporaryFolder { folder in
                let environment = Self.environment(folder)
                let deployment = folder.appendingPathComponent("deployment")
                let log = folder.appendingPathComponent("dev.log")
                let arguments = ["--directory", deployment.path]
                let dev = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["dev", "--listen", "127.0.0.1:0"] + arguments,
                    environment: environment, log: log)
                let record = deployment.appendingPathComponent("dev.json")
                _ = try await eventually { FileManager.default.fileExists(atPath: record.path) ? true : nil }
                let children = try JSONDecoder().decode(Record.self, from: Data(contentsOf: record)).children

                let second = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["dev"] + arguments, environment: environment,
                    log: folder.appendingPathComponent("second.log"))
                #expect(await second.waitForExit() != .status(0), "one deployment a folder")

                let demoLog = folder.appendingPathComponent("demo.log")
                let demo = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["demo"] + arguments, environment: environment,
                    log: demoLog)
                #expect(await demo.waitForExit() == .status(0), "\(text(of: demoLog))")
                #expect(dev.exit == nil, "the demonstration leaves a deployment that it found")

                dev.signal(SIGINT)
                #expect(await dev.waitForExit() == .status(0), "\(text(of: log))")
                #expect(children.count == 3)
                for (name, id) in children { #expect(kill(id, 0) == -1, "\(name) still runs") }
            }
        }

        private func text(of log: URL) -> String {
            // Only ever read to explain a failure.
            (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        }

        private struct Record: Decodable { let children: [String: Int32] }

        private static func environment(_ folder: URL) -> [String: String] {
            ["HOME": folder.path, "XDG_STATE_HOME": folder.appendingPathComponent("state").path]
        }
    }
}
