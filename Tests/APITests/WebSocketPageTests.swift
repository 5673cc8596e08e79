import API
import Foundation
import HTTPServer
import Policy
import TestKit
import Testing

/// The page about WebSocket: what it shows happens.
struct WebSocketPageTests {
    @Test func `Every frame of the page is answered as it shows`() async throws {
        let lines = try DocumentedFrames.blocks(of: "frames").flatMap { $0.split(separator: "\n").map(String.init) }
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
                #expect(DocumentedFrames.matches(reply.document, shown), "\(text)\n\(reply.text)")
            }
        }
    }

    @Test func `The client of the page posts a message and takes it`() async throws {
        let program = try #require(try DocumentedFrames.blocks(of: "python").first)
        try await withAPI { api async throws in
            let here = program.replacing("127.0.0.1:9000", with: api.socketAddress)
            let run = try await Python.run { _ in ["-c", here] }
            #expect(run.exit == .status(0) && run.output.contains("{'order': 81}"), "\(run.output)")
        }
    }

    @Test func `The table of the page is that of the actions`() throws {
        let rows = try DocumentedFrames.page.split(separator: "\n").filter { $0.hasPrefix("| `") }
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
