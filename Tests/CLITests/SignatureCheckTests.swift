import CLI
import Signing
import Testing

/// The example of the Standard Webhooks specification's own test suites.
struct SignatureCheckTests {
    private let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    private let timestamp: Int64 = 1_614_265_330
    private let body = Array("{\"test\": 2432232314}".utf8)
    private let secretText = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    private func arrival(
        id: String? = nil, timestamp: String? = nil, signature: String, body: [UInt8]? = nil
    ) -> Arrival {
        let headers = [
            (name: "webhook-id", value: id ?? self.id),
            (name: "webhook-timestamp", value: timestamp ?? String(self.timestamp)),
            (name: "webhook-signature", value: signature),
        ]
        return Arrival(path: "/", headers: headers, body: body ?? self.body, at: .now)
    }

    private func verdict(on arrival: Arrival, now: Int64? = nil) throws -> SignatureCheck.Verdict {
        SignatureCheck.verdict(
            on: arrival, secret: try #require(WebhookSecret(text: self.secretText)), now: now ?? self.timestamp,
            toleranceSeconds: 300)
    }

    private func signature() throws -> String {
        try #require(WebhookSecret(text: self.secretText))
            .signature(id: self.id, timestamp: self.timestamp, body: self.body)
    }

    @Test
    func `What the secret signed is genuine, also beside another signature`() throws {
        let signature = try self.signature()
        #expect(try self.verdict(on: self.arrival(signature: signature)) == .genuine)
        #expect(try self.verdict(on: self.arrival(signature: "v1,AAAA \(signature)")) == .genuine)
    }

    @Test
    func `Another body, id or time is not`() throws {
        let signature = try self.signature()
        #expect(try self.verdict(on: self.arrival(signature: signature, body: [1])) == .signatureWrong)
        #expect(try self.verdict(on: self.arrival(id: "other", signature: signature)) == .signatureWrong)
        #expect(
            try self.verdict(on: self.arrival(timestamp: String(self.timestamp + 1), signature: signature))
                == .signatureWrong)
        #expect(try self.verdict(on: self.arrival(signature: "v1,")) == .signatureWrong)
    }

    @Test
    func `A time far away is not trusted, either way`() throws {
        let arrival = try self.arrival(signature: self.signature())
        #expect(try self.verdict(on: arrival, now: self.timestamp + 300) == .genuine)
        #expect(try self.verdict(on: arrival, now: self.timestamp + 301) == .timestampOff(seconds: 301))
        #expect(try self.verdict(on: arrival, now: self.timestamp - 301) == .timestampOff(seconds: -301))
        #expect(
            try self.verdict(on: self.arrival(timestamp: "\(Int64.min)", signature: "v1,x"))
                != .genuine)
    }

    @Test
    func `Without its headers nothing is genuine`() throws {
        #expect(try self.verdict(on: Arrival(path: "/", headers: [], body: self.body, at: .now)) == .headersMissing)
        #expect(try self.verdict(on: self.arrival(timestamp: "now", signature: self.signature())) == .headersMissing)
    }

    @Test(arguments: ["", "whsec_", "whsec_!!", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_AAEC"])
    func `A text that is no secret is refused`(text: String) {
        #expect(WebhookSecret(text: text) == nil)
    }

    @Test
    func `A secret reads back as it was written`() {
        #expect(WebhookSecret(text: self.secretText)?.text == self.secretText)
    }
}
