import Domain
import Foundation
import Notifier
import Redis
import Signing
import Store
import TestKit
import Testing

/// Signatures by the key of a project, in the eyes of others: the package `cryptography` from PyPI checks them, since `standardwebhooks`
/// of PyPI knows the symmetric ones alone, and passes over these.
struct AsymmetricSignatureTests {
    /// Says of each signature of the header, in its order, by which of the public keys it is.
    private static let program = """
        import base64, json, sys
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        given = json.loads(sys.argv[1])
        headers = given["headers"]
        message = ".".join([headers["webhook-id"], headers["webhook-timestamp"], given["body"]]).encode()
        names = []
        for signature in headers["webhook-signature"].split(" "):
            scheme, value = signature.split(",")
            if scheme != "v1a":
                names.append(scheme)
                continue
            name = "none"
            for number, text in enumerate(given["keys"], 1):
                assert text.startswith("whpk_")
                key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text[len("whpk_"):], validate=True))
                try:
                    key.verify(base64.b64decode(value, validate=True), message)
                    name = str(number)
                except InvalidSignature:
                    pass
            names.append(name)
        print(" ".join(names))
        """

    private struct Question: Encodable {
        let keys: [String]
        let body: String
        let headers: [String: String]
    }

    /// What signed a request: `v1`, the version of the project's key, or `none`.
    private static func signers(
        _ request: ReceivedRequest, body: String? = nil, of deployment: TestDeployment
    ) async throws -> String {
        let keys = (1...3).map { version in
            deployment.masterKey.signingKey(project: deployment.queue.project, version: version).publicKey.text
        }
        let headers = Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let question = try JSONEncoder().encode(Question(keys: keys, body: body ?? request.text, headers: headers))
        let run = try await Python.run { _ in ["-c", self.program, String(decoding: question, as: UTF8.self)] }
        #expect(run.exit == .status(0), "\(run.output)")
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test(arguments: [("v1", "v1"), ("v1a", "1"), ("v1 v1a", "v1 1")])
    func `A webhook has the signatures that its subscription asks for, and another implementation verifies them`(
        option: String, signers: String
    ) async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url(), options: #"{"_signature": "\#(option)"}"#)
                try await deployment.withNotifier {
                    try await deployment.post(#"{"text": "größer ∑ 💌", "n": 1e3}"#)
                    try await receiver.waitFor(count: 1)
                }
                let request = try #require(receiver.requests.first)
                #expect(try await Self.signers(request, of: deployment) == signers)
                let changed = request.text.replacingOccurrences(of: "1e3", with: "1e4")
                #expect(
                    try await Self.signers(request, body: changed, of: deployment)
                        == signers.replacingOccurrences(of: "1", with: "none")
                        .replacingOccurrences(of: "vnone", with: "v1"))
            }
        }
    }

    @Test func `The key of one project signs nothing of another`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let other = QueueAddress(project: try ProjectID("other"), name: deployment.queue.name)
                try await deployment.subscribe(receiver.url("/own"), options: #"{"_signature": "v1a"}"#)
                try await deployment.subscribe(
                    receiver.url("/other"), queue: other, options: #"{"_signature": "v1a"}"#)
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await deployment.post("1", to: other)
                    try await receiver.waitFor(count: 2)
                }
                let own = try #require(receiver.requests(at: "/own").first)
                #expect(try await Self.signers(own, of: deployment) == "1")
                let stranger = try #require(receiver.requests(at: "/other").first)
                #expect(try await Self.signers(stranger, of: deployment) == "none")
            }
        }
    }

    @Test func `A rotation counts within seconds while the notifier runs, with both keys and then with the new one`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url(), options: #"{"_signature": "v1 v1a"}"#)
                let project = deployment.queue.project
                /// Posts until a webhook is signed like this; the number of those before it is bounded.
                @Sendable func signed(like wanted: String) async throws -> Bool {
                    try await eventually(within: .seconds(30), every: .milliseconds(500)) {
                        let count = receiver.count
                        try await deployment.post("1")
                        try await receiver.waitFor(count: count + 1)
                        guard let last = receiver.requests.last else { return nil }
                        return try await Self.signers(last, of: deployment) == wanted ? true : nil
                    } ?? false
                }
                try await deployment.withNotifier {
                    #expect(try await signed(like: "v1 1"))
                    _ = try await deployment.store.signingKeys.rotate(project, overlap: 3600)
                    let start = ContinuousClock.now
                    #expect(try await signed(like: "v1 2 1"))
                    #expect(ContinuousClock.now - start < .seconds(15))
                    _ = try await deployment.store.signingKeys.rotate(project, overlap: 0)
                    #expect(try await signed(like: "v1 3"))
                }
                var seen: [String] = []
                for request in receiver.requests {
                    let signers = try await Self.signers(request, of: deployment)
                    if seen.last != signers { seen.append(signers) }
                }
                #expect(seen == ["v1 1", "v1 2 1", "v1 3"])
            }
        }
    }

    @Test func `While the control store is away the keys that are known go on signing, and what has none waits`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await withRedisClient { redis, client in
                    let control = try await Store.open(on: client, shards: 4, logger: quietLogger())
                    let other = QueueAddress(project: try ProjectID("other"), name: deployment.queue.name)
                    try await deployment.subscribe(receiver.url("/known"), options: #"{"_signature": "v1a"}"#)
                    try await deployment.subscribe(
                        receiver.url("/unknown"), queue: other, options: #"{"_signature": "v1a"}"#)
                    _ = try await control.signingKeys.rotate(deployment.queue.project, overlap: 0)
                    try await deployment.withEngine(control: control) { _ in
                        try await deployment.post("1")
                        #expect(try await receiver.waitFor(count: 1).count == 1)
                        redis.pause()
                        // Longer than what was read counts: the notifier has to ask again, and gets no answer.
                        try await Task.sleep(for: ProjectSigningKeys.lifetime * 2 + .seconds(1))
                        try await deployment.post("2", to: other)
                        try await deployment.post("2")
                        #expect(try await receiver.waitFor(count: 2, within: .seconds(10)).count == 2)
                        try await Task.sleep(for: .seconds(1))
                        #expect(receiver.requests(at: "/unknown").isEmpty)
                        redis.resume()
                        #expect(try await receiver.waitFor(count: 3).count == 3)
                        #expect(try await deployment.isSettled())
                    }
                    for request in receiver.requests(at: "/known") {
                        #expect(try await Self.signers(request, of: deployment) == "2")
                    }
                    #expect(receiver.requests(at: "/known").count == 2)
                    #expect(receiver.requests(at: "/unknown").first?["herald-attempt"] == "1")
                    #expect(try await deployment.deadLetters().isEmpty)
                }
            }
        }
    }

    @Test func `The reference library finds its symmetric signature beside the asymmetric one`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url(), options: #"{"_signature": "v1 v1a"}"#)
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                }
                let request = try #require(receiver.requests.first)
                let secret = deployment.secret(of: id).text
                #expect(
                    try await StandardWebhooksTests.judge(request, body: request.text, secret: secret) == "verified")
            }
        }
    }
}
