import API
import Foundation
import HTTPServer
import TestKit
import Testing

/// The page about WebSocket: what it shows happens.
struct WebSocketPageTests {
    private static var page: String {
        get throws {
            let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(contentsOf: top.appendingPathComponent("docs/websocket.md"), encoding: .utf8)
        }
    }

    /// The blocks of code in a language, in their order.
    private static func blocks(of language: String) throws -> [String] {
        try self.page.components(separatedBy: "```").enumerated().filter { index, block in
            index % 2 == 1 && block.hasPrefix(language + "\n")
        }.map { String($0.element.dropFirst(language.count + 1)) }
    }

    /// Whether a value is what the page shows, where `…` stands for any.
    private static func matches(_ value: Any?, _ shown: Any) -> Bool {
        if shown as? String == "…" { return value != nil }
        switch (value, shown) {
        case (let value as [String: Any], let shown as [String: Any]):
            return Set(value.keys) == Set(shown.keys) && shown.allSatisfy { self.matches(value[$0], $1) }
        case (let value as [Any], let shown as [Any]):
            return value.count == shown.count && zip(value, shown).allSatisfy { self.matches($0, $1) }
        default: return value as? NSObject == shown as? NSObject
        }
    }

    @Test func `Every frame of the page is answered as it shows`() async throws {
        let lines = try Self.blocks(of: "frames").flatMap { $0.split(separator: "\n").map(String.init) }
        #expect(lines.count >= 20)
        try await withAPI { api async throws in
            let client = try await api.actions()
            for line in lines {
                let text = String(line.dropFirst(2))
                if line.hasPrefix("→ ") {
                    try await client.socket.send(text: text)
                    continue
                }
                try #require(line.hasPrefix("← "))
                let reply = try await client.reply()
                let shown = try JSONSerialization.jsonObject(with: Data(text.utf8))
                #expect(Self.matches(reply.document, shown), "\(text)\n\(reply.text)")
            }
        }
    }

    @Test func `The client of the page posts a message and takes it`() async throws {
        let program = try #require(try Self.blocks(of: "python").first)
        try await withAPI { api async throws in
            let here = program.replacing("127.0.0.1:9000", with: api.socketAddress)
            let run = try await Python.run { _ in ["-c", here] }
            #expect(run.exit == .status(0) && run.output.contains("{'order': 81}"), "\(run.output)")
        }
    }

    @Test func `The table of the page is that of the actions`() throws {
        let rows = try Self.page.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .map {
                $0.split(separator: "|", omittingEmptySubsequences: false).map {
                    $0.trimmingCharacters(in: .whitespaces)
                }
            }
            .filter { $0.count == 7 }
        #expect(rows.map { $0[1] } == ActionTable.actions.map { "`\($0.name)`" })
        for (row, action) in zip(rows, ActionTable.actions) {
            let members = action.members.map { $0.isRequired ? "**`\($0.name)`**" : "`\($0.name)`" }
            #expect(row[2] == members.joined(separator: ", "), "\(action.name)")
            #expect(row[3] == (action.rule.map { "`\($0.name)`" } ?? ""), "\(action.name)")
            #expect(row[4] == (action.signedMethod.map { "`\($0.rawValue)`" } ?? ""), "\(action.name)")
        }
    }
}
