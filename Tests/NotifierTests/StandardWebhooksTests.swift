import Domain
import Foundation
import Notifier
import Signing
import Store
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
            try await withTestDeployment { deployment in
                let subscription = try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post(#"{"text": "größer ∑ 💌", "n": 1e3}"#)
                    try await receiver.waitFor(count: 1)
                }
                let request = try #require(receiver.requests.first)
                let secret = deployment.secret(of: subscription).text
                #expect(try await Self.judge(request, body: request.text, secret: secret) == "verified")
                let changed = request.text.replacingOccurrences(of: "1e3", with: "1e4")
                #expect(try await Self.judge(request, body: changed, secret: secret).hasPrefix("refused"))
                let other = deployment.masterKey.webhookSecret(
                    project: deployment.queue.project, subscription: subscription, version: 2)
                #expect(try await Self.judge(request, body: request.text, secret: other.text).hasPrefix("refused"))
            }
        }
    }

    @Test
    func `During a rotation the reference implementation verifies with either secret, afterwards with the new one`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url())
                func secret(_ version: Int) -> String {
                    deployment.masterKey.webhookSecret(
                        project: deployment.queue.project, subscription: id, version: version
                    ).text
                }
                func verdicts(_ request: ReceivedRequest) async throws -> [Bool] {
                    var verdicts: [Bool] = []
                    for version in 1...3 {
                        let verdict = try await Self.judge(request, body: request.text, secret: secret(version))
                        verdicts.append(verdict == "verified")
                    }
                    return verdicts
                }
                try await deployment.withNotifier {
                    // The first request makes the notifier know the subscription as it is before.
                    for (number, overlap) in [nil, 3600, 0].enumerated() {
                        if let overlap {
                            let versions = try await deployment.store.subscriptions.rotateSecret(
                                deployment.queue, id: id, overlap: overlap)
                            #expect(versions?.current == number + 1)
                        }
                        try await deployment.post("\(number)")
                        try await receiver.waitFor(count: number + 1)
                    }
                }
                let requests = receiver.requests
                #expect(try await verdicts(requests[0]) == [true, false, false])
                #expect(try await verdicts(requests[1]) == [true, true, false])
                #expect(try await verdicts(requests[2]) == [false, false, true])
            }
        }
    }

    private struct Question: Encodable {
        let secret: String
        let body: String
        let headers: [String: String]
    }

    static func judge(_ request: ReceivedRequest, body: String, secret: String) async throws -> String {
        let headers = Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let question = try JSONEncoder().encode(Question(secret: secret, body: body, headers: headers))
        let run = try await Python.run { _ in ["-c", self.program, String(decoding: question, as: UTF8.self)] }
        #expect(run.exit == .status(0), "\(run.output)")
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
