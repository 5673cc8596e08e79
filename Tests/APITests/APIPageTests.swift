import API
import Foundation
import HTTPServer
import TestKit
import Testing

/// The page about the API: what it tells readers to type works.
struct APIPageTests {
    private static var page: String {
        get throws {
            let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(contentsOf: top.appendingPathComponent("docs/api.md"), encoding: .utf8)
        }
    }

    /// The lines of all shell blocks, in their order.
    private static func script(of page: String) -> String {
        page.components(separatedBy: "```").enumerated().filter { index, block in
            index % 2 == 1 && block.hasPrefix("sh\n")
        }.map { $0.element.dropFirst(3) }.joined()
    }

    @Test func `Every example of the page is answered with success`() async throws {
        let script = Self.script(of: try Self.page)
        let count = script.matches(of: /\bapi (?=[-"$])/).count
        #expect(count >= 15)
        try await withAPI(signedURLKeys: ["a key of the examples"], rules: Administrator.rules) { api async throws in
            try await withTemporaryFolder { folder in
                // Notes the status of every call, and passes the body on as curl would.
                let noting = """
                    curl() {
                        command curl "$@" -o "$FOLDER/body" -w '%{http_code} %{method} %{url}\\n' >> "$FOLDER/calls"
                        cat "$FOLDER/body"
                    }
                    """
                let whole = noting + "\n" + script.replacing("http://127.0.0.1:8888", with: "http://\(api.address)")
                let process = try ChildProcess(
                    URL(fileURLWithPath: "/bin/bash"), arguments: ["-e", "-c", whole],
                    environment: ["FOLDER": folder.path], log: folder.appendingPathComponent("log"))
                let exit = await process.waitForExit()
                let log = try String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)
                #expect(exit == .status(0), "\(log)")
                let calls = try String(contentsOf: folder.appendingPathComponent("calls"), encoding: .utf8)
                    .split(separator: "\n")
                #expect(calls.count == count)
                for call in calls { #expect(call.hasPrefix("2"), "\(call)") }
            }
        }
    }

    @Test func `The page names every route`() throws {
        let page = try Self.page
        for route in RouteTable.routes where route.method != .head {
            #expect(page.contains("`\(route.method.rawValue) \(route.template)"), "\(route.method) \(route.template)")
        }
    }
}
