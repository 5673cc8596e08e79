import Domain
import Foundation
import Notifier
import Signing
import TestKit
import Testing

/// Our signatures in the eyes of others: the `standardwebhooks` package from PyPI checks them.
struct StandardWebhooksTests {
    private static let program = """
        import json, sys
        from standardwebhooks import Webhook
        given = json.loads(sys.argv[1])
        try:
            Webhook(given["secret"]).verify(given["body"], given["headers"])
            print("verified")
        except Exception as error:
            print("refused", error)
        """

    @Test func `The reference implementation verifies our webhooks, and no others`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                let subscription = try await house.subscribe(receiver.url())
                try await house.withNotifier {
                    try await house.post(#"{"text": "größer ∑ 💌", "n": 1e3}"#)
                    try await receiver.waitFor(count: 1)
                }
                let request = try #require(receiver.requests.first)
                let secret = house.secret(of: subscription).text
                #expect(try await Self.judge(request, body: request.text, secret: secret) == "verified")
                let changed = request.text.replacingOccurrences(of: "1e3", with: "1e4")
                #expect(try await Self.judge(request, body: changed, secret: secret).hasPrefix("refused"))
                let other = house.masterKey.webhookSecret(
                    project: house.queue.project, subscription: subscription, version: 2)
                #expect(try await Self.judge(request, body: request.text, secret: other.text).hasPrefix("refused"))
            }
        }
    }

    private struct Question: Encodable {
        let secret: String
        let body: String
        let headers: [String: String]
    }

    private static func judge(_ request: ReceivedRequest, body: String, secret: String) async throws -> String {
        let headers = Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let question = try JSONEncoder().encode(Question(secret: secret, body: body, headers: headers))
        let run = try await Python.run { _ in ["-c", self.program, String(decoding: question, as: UTF8.self)] }
        #expect(run.exit == .status(0), "\(run.output)")
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
