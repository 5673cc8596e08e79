import API
import Domain
import NIOCore
import TestKit
import Testing

/// The line of one request.
struct AuditEntryTests {
    private static let time = Timestamp(milliseconds: 1_764_475_262_345)

    private func line(_ change: (inout AuditEntry) -> Void) throws -> AuditFile.Line {
        var entry = AuditEntry(.rest, call: "POST /v2/queues/{queue}/messages", rule: "messages:create")
        change(&entry)
        let text = entry.line(status: 201, milliseconds: 3, at: Self.time)
        return try #require(AuditFile.Line(Substring(text)), "\(text)")
    }

    @Test func `A line has its members in their order, and none that is not known`() throws {
        let empty = try self.line { _ in }
        #expect(
            empty.text
                == #"{"time":"2025-11-30T04:01:02.345Z","transport":"rest","call":"POST /v2/queues/{queue}/messages","#
                + #""rule":"messages:create","status":201,"ms":3}"#)
        let full = try self.line { entry in
            entry.request = "req-1"
            entry.globalRequest = "req-2"
            entry.session = "s"
            entry.from = try? SocketAddress(ipAddress: "::ffff:10.0.0.7", port: 4711)
            entry.names = [("queue", "orders"), ("claim", "c")]
            entry.identity = Identity(project: "p", user: "u", roles: ["admin"], expiry: nil, origin: .none(token: nil))
        }
        #expect(
            full.text
                == #"{"time":"2025-11-30T04:01:02.345Z","transport":"rest","request":"req-1","global_request":"req-2","session":"s","#
                + #""call":"POST /v2/queues/{queue}/messages","rule":"messages:create","credentials":"none","project":"p","#
                + #""user":"u","from":"10.0.0.7","queue":"orders","claim":"c","status":201,"ms":3}"#)
    }

    @Test func `What a caller has written ends no line and begins no member`() throws {
        let hostile = "a\"b\\c\n{\"status\":500}\r\u{1B}[2J\u{7F}\u{85}\u{202E}é😀\u{2028}"
        let line = try self.line { $0.names = [("queue", hostile)] }
        #expect(line["queue"] == hostile && line.status == 201)
        #expect(line.text.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test(arguments: ["x", "\"", "\u{0}", "é", "😀"])
    func `A line has a greatest length, whatever callers send`(character: String) throws {
        let long = String(repeating: character, count: 100_000)
        let line = try self.line { entry in
            entry.request = "req-3381af92-2b9e-11e3-b191-71861300734c"
            entry.globalRequest = entry.request
            entry.session = "3381af92-2b9e-11e3-b191-71861300734c"
            entry.from = try? SocketAddress(ipAddress: "2001:db8:1111:2222:3333:4444:5555:6666", port: 1)
            entry.names = [("subscription", long), ("dead_letter", long)]
            entry.identity = Identity(
                project: long, user: long, roles: [long], expiry: nil,
                origin: .token(Identity.Proof(Credentials(method: "POST", path: long), until: .now())))
        }
        #expect(line.text.utf8.count <= AuditEntry.lineBytesMax)
        for name in ["project", "user", "subscription", "dead_letter"] {
            let value = try #require(line[name])
            #expect(value.hasSuffix("\u{2026}") && long.hasPrefix(value.dropLast()) && value.count > 40, "\(name)")
        }
        // No request names more than these two.
        #expect(RouteTable.routes.allSatisfy { $0.template.matches(of: /\{/).count <= 2 })
        #expect(ActionTable.actions.allSatisfy { $0.names.count <= 2 })
        // Not cut: one that just fits.
        let fitting = String(repeating: "x", count: AuditEntry.textBytesMax)
        #expect(try self.line { $0.names = [("queue", fitting)] }["queue"] == fitting)
    }
}
