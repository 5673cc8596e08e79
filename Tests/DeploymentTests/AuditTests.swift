import Foundation
import Runtime
import Settings
import Signing
import TestKit
import Testing

extension DeploymentTests {
    /// The audit log of a whole API.
    struct AuditTests {
        private static let client = ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c")

        private func put(
            _ api: Deployment.Running, _ queue: String, _ headers: [(String, String)] = [("X-Project-Id", "p")]
        ) async throws -> HTTPReply {
            try await HTTPCaller(api.address).send("PUT", "/v2/queues/\(queue)", headers: [Self.client] + headers)
        }

        private func line(_ queue: String, in file: AuditFile) async throws -> AuditFile.Line {
            try #require(try await file.line { $0["queue"] == queue }, "\(queue)")
        }

        /// Waits until lines are counted as missing.
        private func missing(_ api: Deployment.Running) async throws -> Int? {
            try await eventually {
                let text = try await HTTPCaller(api.ready.admin ?? "").send("GET", "/metrics").text
                let line = text.split(separator: "\n").first { $0.hasPrefix("herald_audit_dropped_total ") }
                let count = line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
                return count > 0 ? count : nil
            }
        }

        @Test func `A line says who has asked, by a key or a pre-signed URL, and shows no secret and no body`()
            async throws
        {
            try await withTemporaryFolder { folder in
                let (file, first) = (
                    AuditFile(folder.appendingPathComponent("audit.log")), folder.appendingPathComponent("first.key")
                )
                let settings = [
                    Setting.apiAuth: "keys", Setting.apiKeysBootstrapFile: first.path,
                    Setting.apiKeysBootstrapProject: "shop", Setting.apiAuditLog: file.path,
                    Setting.signedURLKeys: "a-key-of-pre-signed-urls",
                ]
                let given = Dictionary(uniqueKeysWithValues: settings.map { ($0.environment, $1) })
                try await withDeployment(settings: given) { deployment in
                    let api = try await deployment.startAPI()
                    let key = try String(contentsOf: first, encoding: .utf8).trimmingCharacters(in: .newlines)
                    #expect(try await self.put(api, "own", [("Authorization", "Bearer \(key)")]).status == 201)
                    let line = try await self.line("own", in: file)
                    let parts = key.split(separator: "_")
                    #expect(line["credentials"] == "key" && line["user"] == "key:\(parts[1])", "\(line)")
                    #expect(line["project"] == "shop" && line.status == 201, "\(line)")

                    let path = "/v2/queues/shared/messages"
                    let expires = "2100-01-01T00:00:00"
                    let url = SignedURL(
                        paths: [path], methods: ["POST"], project: "shop",
                        expiry: try #require(SignedURLExpiry(expires)))
                    let signature = url.signature(key: try #require(SignedURLKey("a-key-of-pre-signed-urls")))
                    let signed = [
                        Self.client, ("URL-Signature", signature), ("URL-Methods", "POST"), ("URL-Paths", path),
                        ("URL-Expires", expires), ("X-Project-Id", "shop"),
                    ]
                    let body = #"{"messages": [{"body": "a-secret-body"}]}"#
                    let posted = try await HTTPCaller(api.address).send(
                        "POST", path + "?secret=in-the-query", headers: signed, body: body)
                    #expect(posted.status == 201, "\(posted)")
                    let shared = try await self.line("shared", in: file)
                    #expect(shared["credentials"] == "presigned" && shared["user"] == nil, "\(shared)")
                    #expect(shared["project"] == "shop" && shared["rule"] == "messages:create", "\(shared)")

                    #expect(try await self.put(api, "refused", [("Authorization", "Bearer \(key)0")]).status == 401)
                    #expect(try await self.line("refused", in: file).status == 401)
                    let text = try file.lines.map(\.text).joined()
                    for secret in [String(parts[2]), signature, "a-secret-body", "in-the-query"] {
                        #expect(!text.contains(secret), "\(secret)")
                    }
                }
            }
        }

        @Test func `A line names the user of a Keystone token, and not the token`() async throws {
            let keystone = try await KeystoneServer.shared(by: Self.self)
            try await withTemporaryFolder { folder in
                let file = AuditFile(folder.appendingPathComponent("audit.log"))
                let audit = [Setting.apiAuditLog.environment: file.path]
                try await withDeployment(settings: keystone.settings.merging(audit) { $1 }) { deployment in
                    let api = try await deployment.startAPI()
                    let token = try await keystone.token(of: "member")
                    #expect(try await self.put(api, "own", [("X-Auth-Token", token)]).status == 201)
                    let line = try await self.line("own", in: file)
                    #expect(
                        line["credentials"] == "keystone" && line["project"] == keystone.project("alpha"), "\(line)")
                    #expect(line["user"]?.isEmpty == false && !line.text.contains(token), "\(line)")
                }
            }
        }

        @Test func `A file that was moved away is made again on SIGHUP`() async throws {
            try await withTemporaryFolder { folder in
                let (file, old) = (
                    AuditFile(folder.appendingPathComponent("audit.log")),
                    AuditFile(folder.appendingPathComponent("audit.log.1"))
                )
                try await withDeployment(settings: [Setting.apiAuditLog.environment: file.path]) { deployment in
                    let api = try await deployment.startAPI()
                    #expect(try await self.put(api, "first").status == 201)
                    _ = try await self.line("first", in: file)
                    try FileManager.default.moveItem(atPath: file.path, toPath: old.path)
                    api.process.signal(SIGHUP)
                    let isMade = try await eventually { FileManager.default.fileExists(atPath: file.path) ? true : nil }
                    #expect(isMade == true, "\(deployment.logs)")
                    #expect(try await self.put(api, "second").status == 201)
                    _ = try await self.line("second", in: file)
                    // One that cannot be opened changes nothing.
                    try FileManager.default.moveItem(atPath: file.path, toPath: old.path + "2")
                    try FileManager.default.createDirectory(atPath: file.path, withIntermediateDirectories: false)
                    api.process.signal(SIGHUP)
                    let isSaid = try await eventually {
                        deployment.logs.contains("cannot be opened again") ? true : nil
                    }
                    #expect(isSaid == true)
                    #expect(try await self.put(api, "third").status == 201)
                    // Written before the process ends, too.
                    #expect(await api.process.stop() == .status(0))
                    let second = AuditFile(URL(fileURLWithPath: old.path + "2"))
                    #expect(try second.lines.compactMap { $0["queue"] } == ["second", "third"])
                    #expect(try old.lines.compactMap { $0["queue"] } == ["first"])
                }
            }
        }

        @Test func `A reader that does not read delays no request, and learns how many lines are missing`() async throws
        {
            try await withTemporaryFolder { folder in
                let fifo = folder.appendingPathComponent("audit.fifo")
                try #require(mkfifo(fifo.path, 0o600) == 0)
                let reading = open(fifo.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                try #require(reading >= 0)
                try await withDeployment(settings: [Setting.apiAuditLog.environment: fifo.path]) { deployment in
                    let api = try await deployment.startAPI()
                    let caller = HTTPCaller(api.address)
                    // More than the pipe and the buffer hold; names of 16 KiB make lines as long as they can be.
                    let long = "/v2/queues/" + String(repeating: "x", count: 4096)
                    for _ in 0..<800 {
                        let headers = [Self.client, ("X-Project-Id", String(repeating: "p", count: 256))]
                        #expect(try await caller.send("DELETE", long, headers: headers).status == 400)
                    }
                    let count = try #require(try await self.missing(api), "\(deployment.logs)")
                    #expect(deployment.logs.contains("Lines of the audit log are missing"))
                    var text = ""
                    let isReported = try await eventually { () -> Bool? in
                        var chunk = [UInt8](repeating: 0, count: 65_536)
                        let taken = read(reading, &chunk, chunk.count)
                        if taken > 0 { text += String(decoding: chunk[..<taken], as: UTF8.self) }
                        return text.hasSuffix("\n") && text.contains("\"missing\"") ? true : nil
                    }
                    #expect(isReported == true)
                    let lines = text.split(separator: "\n").compactMap(AuditFile.Line.init)
                    let reported = lines.compactMap { $0["missing"].flatMap { Int($0) } }.reduce(0, +)
                    #expect(lines.count { $0["missing"] == nil } + reported == 800)
                    #expect(reported >= count)

                    // Without any reader too.
                    close(reading)
                    #expect(try await self.put(api, "unread").status == 201)
                    let isSaid = try await eventually {
                        deployment.logs.contains("Broken pipe") ? true : nil
                    }
                    #expect(isSaid == true, "\(deployment.logs)")
                    #expect(try await self.put(api, "unread").status == 204)
                    #expect(await api.process.stop() == .status(0))
                }
            }
        }

        @Test func `A full disk costs lines and nothing else, and is in the log and the metrics`() async throws {
            try await withDeployment(settings: [Setting.apiAuditLog.environment: "/dev/full"]) { deployment in
                let api = try await deployment.startAPI()
                #expect(try await self.put(api, "q").status == 201)
                #expect(try await self.missing(api) == 1)
                #expect(deployment.logs.contains("No space left on device"), "\(deployment.logs)")
                #expect(await api.process.stop() == .status(0))
            }
        }

        @Test func `Lines go to standard error beside those of the log`() async throws {
            try await withDeployment(settings: [Setting.apiAuditLog.environment: "stderr"]) { deployment in
                let api = try await deployment.startAPI()
                let reply = try await self.put(api, "q")
                let id = try #require(reply["X-OpenStack-Request-Id"])
                let line = try await eventually {
                    deployment.logs.split(separator: "\n").compactMap(AuditFile.Line.init).first { $0["request"] == id }
                }
                #expect(line?["queue"] == "q" && line?.status == 201, "\(deployment.logs)")
            }
        }

        @Test(arguments: ["stdout", "audit.log", "/", "/nowhere/audit.log"])
        func `What cannot be opened ends the start with 78 and one line`(value: String) async throws {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("api.log")
                let api = try ChildProcess(
                    Deployment.executable("herald-api"),
                    arguments: [
                        "--master-key", String(repeating: "3c", count: 32), "--admin-listen", "127.0.0.1:0",
                        Setting.apiAuditLog.flag, value,
                    ], log: log)
                #expect(await api.waitForExit(within: .seconds(60)) == .status(78))
                let lines = try String(contentsOf: log, encoding: .utf8).split(separator: "\n")
                #expect(lines.count { $0.hasPrefix("herald-api: api.audit.log: '\(value)' ") } == 1, "\(lines)")
            }
        }
    }
}
