import Foundation
import Redis
import Runtime
import Settings
import Store
import TestKit
import Testing

extension DeploymentTests {
    /// Processes register themselves, and `herald ps` lists them.
    struct ProcessListTests {
        @Test func `Running processes are listed with their addresses, and leave when they stop`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let notifier = try await deployment.startNotifier()
                let rows = try await eventually {
                    let rows = try await Self.list(deployment)
                    // Addresses are known once a process listens, and reported with its next heartbeat.
                    return rows.count == 2 && rows.allSatisfy { $0[5] != "-" } && rows[0][4] != "-" ? rows : nil
                }
                let listed = try #require(rows)
                #expect(listed.map { $0[1] } == ["api", "notifier"])
                #expect(listed[0][4] == api.ready.listen && listed[0][5] == api.ready.admin)
                #expect(listed[1][4] == "-" && listed[1][5] == notifier.ready.admin)
                #expect(listed.map { $0[3] } == ["\(api.ready.pid)", "\(notifier.ready.pid)"])
                #expect(listed.count { $0[8] == "yes" } == 1, "one exporter")
                await notifier.process.stop()
                #expect(try await Self.list(deployment).map { $0[1] } == ["api"])
            }
        }

        private static let newest = StoreFormat.understood.upperBound
        private static let unknown = StoreFormat.understood.upperBound + 1

        @Test func `A process ends when the format of the store is raised over what it understands`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                try await deployment.redis.command("SET", "herald:{control}:format", "\(Self.unknown)")
                #expect(await api.process.waitForExit(within: .seconds(60)) == .status(78))
                let lines = deployment.logs.split(separator: "\n").filter { $0.contains("has format \(Self.unknown)") }
                #expect(lines.count { $0.hasPrefix("herald-api: ") } == 1, "\(deployment.logs)")
            }
        }

        @Test func `herald format raise raises nothing beyond what it understands, and says which format there is`()
            async throws
        {
            try await withRedis { redis in
                let (unused, reason) = try await Self.raise([], on: redis)
                #expect(unused == .status(1) && reason.contains("no process has used this Redis yet"), "\(reason)")
                #expect(try await redis.command("DBSIZE").int == 0)
                try await withRedisClient(to: redis.endpoint) { client in
                    _ = try await Store.open(on: client, shards: 16, logger: quietLogger())
                }
                let (kept, line) = try await Self.raise(["--yes"], on: redis)
                #expect(
                    kept == .status(0) && line.contains("Nothing to raise: the stored data has format \(Self.newest)."),
                    "\(line)")
                let (beyond, usage) = try await Self.raise(["\(Self.unknown)", "--yes"], on: redis)
                #expect(
                    beyond == .status(64) && usage.contains("understands the formats 1 through \(Self.newest)"),
                    "\(usage)")
                #expect(try await redis.command("GET", "herald:{control}:format").text == "\(Self.newest)")
            }
        }

        private static func raise(
            _ arguments: [String], on redis: RedisServer
        ) async throws -> (ChildProcess.Exit, String) {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("raise.log")
                let process = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["format", "raise"] + arguments,
                    environment: [
                        Setting.redisURL.environment: redis.url,
                        Setting.masterKey.environment: String(repeating: "1a", count: 32),
                    ], log: log)
                let exit = await process.waitForExit(within: .seconds(60))
                return (exit, String(decoding: try Data(contentsOf: log), as: UTF8.self))
            }
        }

        /// The columns of each process that `herald ps` lists.
        private static func list(_ deployment: Deployment) async throws -> [[String]] {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("ps.log")
                let process = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["ps"],
                    environment: [Setting.redisURL.environment: deployment.redis.url], log: log)
                #expect(await process.waitForExit(within: .seconds(60)) == .status(0))
                let text = String(decoding: try Data(contentsOf: log), as: UTF8.self)
                return text.split(separator: "\n").dropFirst().map { line in
                    line.components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
                        .filter { !$0.isEmpty }
                }
            }
        }
    }
}
