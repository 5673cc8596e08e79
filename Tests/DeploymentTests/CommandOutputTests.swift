import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// `herald dev` and `herald demo` whose output goes to a pipe that ends, a full device, a reader that does not read;
    /// and a `herald dev` that is killed.
    struct CommandOutputTests {
        @Test(arguments: [
            ("dev --listen 127.0.0.1:0", "| head -1", 141), ("demo", "| head -5", 141),
            ("dev --listen 127.0.0.1:0", "> /dev/full", 1), ("demo", "> /dev/full", 1),
        ])
        func `An output that ends ends the command in order`(command: String, sink: String, status: Int) async throws {
            try await withTemporaryFolder { folder in
                let (exit, output) = try await Self.shell(
                    "\(Deployment.executable("herald").path) \(command) \(sink); echo \"status ${PIPESTATUS[0]}\"",
                    in: folder)
                #expect(exit == .status(0))
                #expect(output.contains("status \(status)\n"), "\(output)")
                #expect(!output.contains("Fatal error") && !output.contains("Crash"), "\(output)")
                if status == 1 {
                    #expect(output.contains("herald: standard output cannot be written: No space left on device\n"))
                }
                // It stopped what it had started, and only then ended.
                #expect(Self.survivors(of: folder).isEmpty)
                let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                #expect(!left.contains { $0.hasPrefix("herald-demo-") }, "the folder of a demonstration is removed")
            }
        }

        @Test func `A terminal that does not read keeps no command from ending`() async throws {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("log")
                try #require(mkfifo(log.path, 0o600) == 0)
                let unread = open(log.path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
                try #require(unread >= 0)
                defer { close(unread) }
                let filling = [UInt8](repeating: 0x2E, count: 4096)
                while write(unread, filling, filling.count) > 0 {}
                let dev = try Self.dev(in: folder, log: log)
                _ = try await Self.record(of: dev, in: folder)
                dev.signal(SIGTERM)
                #expect(await dev.waitForExit(within: .seconds(60)) == .status(0))
                #expect(Self.survivors(of: folder).isEmpty)
            }
        }

        @Test func `A killed herald dev leaves nothing running, and the next one starts`() async throws {
            try await withTemporaryFolder { folder in
                let first = try Self.dev(in: folder, log: folder.appendingPathComponent("first.log"))
                let children = try await Self.record(of: first, in: folder)
                #expect(children.count == 3)
                first.signal(SIGKILL)
                await first.waitForExit()
                let isOver = try await eventually { Self.survivors(of: folder).isEmpty ? true : nil }
                #expect(isOver == true, "\(Self.survivors(of: folder))")
                let second = try Self.dev(in: folder, log: folder.appendingPathComponent("second.log"))
                #expect(try await Self.record(of: second, in: folder).count == 3)
                second.signal(SIGINT)
                #expect(await second.waitForExit(within: .seconds(60)) == .status(0))
            }
        }

        @Test func `A Redis that outlives its herald dev is ended before another one writes the same files`()
            async throws
        {
            try await withTemporaryFolder { folder in
                let first = try Self.dev(in: folder, log: folder.appendingPathComponent("first.log"))
                let redis = try #require(try await Self.record(of: first, in: folder)["redis-server"])
                // It hears neither its parent's end nor a polite kill.
                kill(redis, SIGSTOP)
                first.signal(SIGKILL)
                await first.waitForExit()
                let log = folder.appendingPathComponent("second.log")
                let second = try Self.dev(in: folder, log: log)
                let children = try await Self.record(of: second, in: folder)
                #expect(children.count == 3, "\((try? String(contentsOf: log, encoding: .utf8)) ?? "")")
                #expect(!Self.survivors(of: folder).contains { $0.hasPrefix("\(redis) ") }, "the first Redis has ended")
                second.signal(SIGINT)
                #expect(await second.waitForExit(within: .seconds(60)) == .status(0))
                #expect(Self.survivors(of: folder).isEmpty)
            }
        }

        // MARK: -

        private static func environment(_ folder: URL) -> [String: String] {
            [
                "HOME": folder.path, "TMPDIR": folder.path,
                "XDG_STATE_HOME": folder.appendingPathComponent("state").path,
            ]
        }

        private static func dev(in folder: URL, log: URL) throws -> ChildProcess {
            try ChildProcess(
                Deployment.executable("herald"), arguments: ["dev", "--listen", "127.0.0.1:0"],
                environment: self.environment(folder), log: log)
        }

        private static func shell(
            _ script: String, in folder: URL
        ) async throws -> (exit: ChildProcess.Exit, output: String) {
            let log = folder.appendingPathComponent("shell.log")
            let shell = try ChildProcess(
                URL(fileURLWithPath: "/bin/bash"), arguments: ["-c", script], environment: self.environment(folder),
                log: log)
            let exit = await shell.waitForExit(within: .seconds(120))
            return (exit, try String(contentsOf: log, encoding: .utf8))
        }

        /// The children of a herald dev, once all are ready; none when it has ended before.
        private static func record(of dev: ChildProcess, in folder: URL) async throws -> [String: Int32] {
            try await eventually { dev.exit == nil ? self.read(folder, of: dev.id) : [:] } ?? [:]
        }

        private static func read(_ folder: URL, of id: pid_t) -> [String: Int32]? {
            struct Record: Decodable {
                let pid: Int32
                let children: [String: Int32]
            }
            let file = folder.appendingPathComponent("state/herald/dev/dev.json")
            guard let data = FileManager.default.contents(atPath: file.path),
                let record = try? JSONDecoder().decode(Record.self, from: data), record.pid == id
            else { return nil }
            return record.children
        }

        /// The processes whose environment names the folder: everything that was started there.
        private static func survivors(of folder: URL) -> [String] {
            // A process that ends while we look is none.
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.filter { Int($0) != nil }.compactMap { id in
                guard let environment = FileManager.default.contents(atPath: "/proc/\(id)/environ"),
                    String(decoding: environment, as: UTF8.self).contains(folder.path)
                else { return nil }
                let command = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
                return "\(id) \(String(decoding: command, as: UTF8.self))"
            }
        }
    }
}
