import API
import Foundation
import Operations
import Redis
import TestKit
import Testing

/// A page with an `EventSource`, as docs/api.md shows one, in a real browser.
@Suite(.enabled(if: Chromium.isAvailable, "Chromium is among the packages of scripts/bootstrap --tests"))
struct StreamPageTests {
    /// The page of docs/api.md, and in front of it what posts each line that it shows to the queue `seen`.
    private func page(_ address: String, project: String, share: [String: Any]) throws -> String {
        let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/api.md")
        let text = try String(contentsOf: docs, encoding: .utf8)
        let page = try #require(text.firstMatch(of: /```html\n((?s).*?)```/)?.output.1)
        let share = String(decoding: try JSONSerialization.data(withJSONObject: share), as: UTF8.self)
        return """
            <script>
            function report(body) {
              fetch("http://\(address)/v2/queues/seen/messages", {
                method: "POST", body: JSON.stringify({messages: [{body}]}), headers: {
                  "Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-Id": "\(project)",
                  "Content-Type": "application/json"}
              }).catch(() => setTimeout(report, 200, body))
            }
            new MutationObserver(changes => {
              for (const change of changes) for (const node of change.addedNodes) if (node.tagName == "LI") report(node.textContent)
            }).observe(document, {childList: true, subtree: true})
            </script>
            """ + page.replacing("127.0.0.1:8888", with: address).replacing("SHARE", with: share)
    }

    @Test func `A page gets messages, loses its connection, and goes on where it was`() async throws {
        var rules = AccessRules()
        rules.cors.origins = ["*"]
        rules.cors.headersAllowed = ["Client-ID", "X-Project-Id"]
        try await withAPI(signedURLKeys: ["a key of the test"], rules: rules) { api async throws in
            let client = api.client()
            _ = try await client.postMessages(["1"], to: "orders")
            let share = try await client.post("/v2/queues/orders/share", #"{"paths": ["stream"]}"#).json
            let port = try #require(api.address.split(separator: ":").last.flatMap { Int($0) })
            let endpoint = RedisEndpoint(address: .tcp(host: "127.0.0.1", port: port))
            try await Forwarder.with(to: endpoint) { network in
                guard case .tcp(let host, let port) = network.endpoint.address else { return }
                try await withTemporaryFolder { folder in
                    let file = folder.appendingPathComponent("page.html")
                    try Data(self.page("\(host):\(port)", project: client.project, share: share).utf8).write(to: file)
                    try await Chromium.with(file.absoluteString) {
                        try await self.expect(client, ["1"])
                        _ = try await client.postMessages(["2", "3"], to: "orders")
                        try await self.expect(client, ["1", "2", "3"])
                        network.cut()
                        let isGone = try await eventually { api.waits.count == 0 ? true : nil }
                        #expect(isGone == true)
                        let ids = try await client.postMessages(["4", "5", "6"], to: "orders")
                        #expect(try await client.delete(ids[1]).status == 204)
                        network.mend()
                        try await self.expect(client, ["1", "2", "3", "4", "missing: 5 to 5", "6"])
                    }
                }
            }
        }
    }

    /// Waits until the page has reported these, in any order: each report is a request of its own.
    private func expect(_ client: APIClient, _ bodies: [String]) async throws {
        var seen: [String] = []
        let isSeen = try await eventually(within: .seconds(60)) {
            seen = try await client.get("/v2/queues/seen/messages?echo=true&limit=20").objects("messages")
                .compactMap { $0["body"] }.map { "\($0)" }
            return seen.sorted() == bodies.sorted() ? true : nil
        }
        #expect(isSeen == true, "\(seen)")
    }
}
