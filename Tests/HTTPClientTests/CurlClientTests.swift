import HTTPClient
import Logging
import TestKit
import Testing

/// The client by itself, without a word of webhooks: methods, bodies kept, and where it may connect.
struct CurlClientTests {
    private func withClient<Result>(
        _ limits: HTTPClientLimits = HTTPClientLimits(), egress: EgressPolicy? = nil,
        _ body: (CurlClient) async throws -> Result
    ) async throws -> Result {
        let client = try CurlClient(
            limits: limits, egress: egress, userAgent: "test/1", logger: Logger(label: "test"))
        defer { client.stop() }
        return try await body(client)
    }

    private func send(
        _ method: HTTPClientRequest.Method, _ url: String, headers: [String] = [], body: String? = nil,
        timeout: Duration? = nil, by client: CurlClient
    ) async throws -> HTTPClientResult {
        let url = try HTTPURL(url)
        return await withCheckedContinuation { continuation in
            client.send([
                HTTPClientRequest(
                    method, url, headers: headers, body: body.map { PinnedBytes($0.utf8) }, timeout: timeout
                ) {
                    continuation.resume(returning: $0)
                }
            ])
        }
    }

    private func response(_ result: HTTPClientResult) throws -> HTTPClientResponse {
        guard case .responded(let response, _) = result else { throw NoResponse(result: "\(result)") }
        return response
    }

    private struct NoResponse: Error {
        let result: String
    }

    @Test func `A GET and a POST over one connection bring status, fields and bodies`() async throws {
        var limits = HTTPClientLimits()
        limits.bodyKeptMax = 1 << 20
        limits.fieldsKept = ["x-subject-token"]
        let answers: [String: ReceiverAnswer] = [
            "/get": .status(200, headers: [("X-Subject-Token", " abc "), ("x-other", "1")], body: #"{"a":"é"}"#),
            "/post": .status(201, body: "made"),
        ]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await self.withClient(limits) { client in
                for _ in 0..<2 {
                    let got = try self.response(try await self.send(.get, receiver.url("/get"), by: client))
                    #expect(got.status == 200 && got["x-subject-token"] == "abc" && got["x-other"] == nil)
                    #expect(got.body == Array(#"{"a":"é"}"#.utf8) && got.isBodyWhole)
                    let posted = try self.response(
                        try await self.send(
                            .post, receiver.url("/post"), headers: ["Content-Type: text/plain"], body: "new",
                            by: client))
                    #expect(posted.status == 201 && posted.body == Array("made".utf8) && posted.isBodyWhole)
                    #expect(posted["x-subject-token"] == nil)
                }
            }
            #expect(receiver.connections == 1)
            #expect(receiver.requests.map(\.method) == ["GET", "POST", "GET", "POST"])
            #expect(receiver.requests.map(\.text) == ["", "new", "", "new"])
            #expect(receiver.requests[0]["content-type"] == nil && receiver.requests[0]["content-length"] == nil)
            #expect(receiver.requests.allSatisfy { $0["user-agent"] == "test/1" })
        }
    }

    @Test func `Each method follows each other on one handle`() async throws {
        try await WebhookReceiver.with { receiver in
            try await self.withClient { client in
                let methods = HTTPClientRequest.Method.allCases
                let pairs = methods.flatMap { first in methods.flatMap { [first, $0] } }
                for method in pairs {
                    let response = try self.response(
                        try await self.send(
                            method, receiver.url(), headers: ["Content-Type: text/plain"], body: "b", by: client))
                    #expect(response.status == 204)
                }
                #expect(receiver.requests.map(\.method) == pairs.map(\.rawValue))
                let bodies = receiver.requests.map { $0.text == "b" }
                #expect(bodies == pairs.map { [.post, .put, .patch].contains($0) })
            }
        }
    }

    @Test(arguments: [(0, true), (9, true), (10, false), (1000, false)])
    func `A body is kept up to its bound, and what lies beyond is said to be missing`(
        length: Int, isWhole: Bool
    ) async throws {
        var limits = HTTPClientLimits()
        limits.bodyKeptMax = 9
        let text = String(repeating: "x", count: length)
        try await WebhookReceiver.with(answers: ["/": .status(200, body: text)]) { receiver in
            try await self.withClient(limits) { client in
                let response = try self.response(try await self.send(.get, receiver.url(), by: client))
                #expect(response.body == Array(text.utf8.prefix(9)) && response.isBodyWhole == isWhole)
            }
        }
    }

    @Test func `A request may have less time than the others`() async throws {
        var limits = HTTPClientLimits()
        limits.timeout = .seconds(60)
        try await WebhookReceiver.with(answers: ["/": .hang]) { receiver in
            try await self.withClient(limits) { client in
                let result = try await self.send(.get, receiver.url(), timeout: .milliseconds(100), by: client)
                guard case .failed(.timeout, let exchange) = result else {
                    Issue.record("\(result)")
                    return
                }
                #expect(exchange.total >= 100)
            }
        }
    }

    @Test func `Of an endless body as much is read as may be, and its status counts`() async throws {
        var limits = HTTPClientLimits()
        (limits.bodyReadMax, limits.bodyKeptMax) = (100_000, 50_000)
        try await WebhookReceiver.with(answers: ["/": .endlessBody]) { receiver in
            try await self.withClient(limits) { client in
                let response = try self.response(try await self.send(.get, receiver.url(), by: client))
                #expect(response.status == 200 && response.body.count == 50_000 && !response.isBodyWhole)
            }
        }
    }

    @Test func `With a policy the inside is refused, and without one it is called`() async throws {
        try await WebhookReceiver.with { receiver in
            try await self.withClient(egress: EgressPolicy()) { client in
                guard case .failed(.forbidden, _) = try await self.send(.get, receiver.url(), by: client) else {
                    Issue.record("the address was called")
                    return
                }
            }
            #expect(receiver.connections == 0)
            try await self.withClient { client in
                let response = try self.response(try await self.send(.get, receiver.url(), by: client))
                #expect(response.status == 204)
            }
        }
    }
}
