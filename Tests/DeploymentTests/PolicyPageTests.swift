import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// The page about the policy: its files and its commands, as they are printed.
    struct PolicyPageTests {
        private static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()

        /// The blocks of code with the word behind their fence, in order.
        private static func blocks(of page: String) -> [(kind: String, text: String)] {
            page.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map { _, block in
                let kind = block.prefix { $0 != "\n" }
                return (String(kind), String(block.dropFirst(kind.count + 1)))
            }
        }

        /// Commands and what is printed below each.
        private static func commands(in block: String) -> [(command: String, output: String)] {
            var commands: [(String, String)] = []
            for line in block.split(separator: "\n", omittingEmptySubsequences: false) {
                if line.hasPrefix("$ ") {
                    commands.append((String(line.dropFirst(2)), ""))
                } else if !commands.isEmpty, !line.isEmpty {
                    commands[commands.count - 1].1 += line + "\n"
                }
            }
            return commands
        }

        @Test func `Files and commands of the page do what it says`() async throws {
            let page = try String(contentsOf: Self.top.appendingPathComponent("docs/policy.md"), encoding: .utf8)
            try await withTemporaryFolder { folder in
                try FileManager.default.createSymbolicLink(
                    at: folder.appendingPathComponent("deploy"),
                    withDestinationURL: Self.top.appendingPathComponent("deploy"))
                let programs = Deployment.executable("herald").deletingLastPathComponent().path
                var (files, commands) = (0, 0)
                for (kind, text) in Self.blocks(of: page) {
                    if kind == "yaml" {
                        // The first line says what the file is called.
                        let name = try #require(text.firstMatch(of: /^# ([a-z]+\.yaml)\n/)).1
                        try Data(text.utf8).write(to: folder.appendingPathComponent(String(name)))
                        files += 1
                        continue
                    }
                    try #require(kind == "console", "\(text)")
                    for (command, output) in Self.commands(in: text) {
                        let log = folder.appendingPathComponent("command-\(commands).log")
                        let shell = try ChildProcess(
                            URL(fileURLWithPath: "/bin/bash"),
                            arguments: ["-c", "cd \(folder.path) && PATH=\(programs):$PATH && \(command)"], log: log)
                        await shell.waitForExit(within: .seconds(60))
                        let printed = try String(contentsOf: log, encoding: .utf8)
                        #expect(printed == output, "$ \(command)\n\(printed)")
                        commands += 1
                    }
                }
                #expect(files >= 3 && commands >= 8)
            }
        }
    }
}
