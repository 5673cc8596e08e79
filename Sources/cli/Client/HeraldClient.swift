package import Foundation
import HTTPClient

/// Calls the REST API like any client: HTTP, JSON, and the two headers the API asks for.
package struct HeraldClient: Sendable {
    /// How long one call may take; the API itself answers or refuses sooner.
    private static let timeout = Duration.seconds(10)

    package struct Answer: Sendable {
        package let status: Int
        package let body: Data
    }

    private let url: URL
    private let project: String
    private let token: String?
    private let authorities: String?
    private let client = UUID().uuidString.lowercased()

    /// - Parameters:
    ///   - url: The root of the API, without `/v2`.
    ///   - token: An API key, or a token of an identity service; nil: none is sent.
    ///   - authorities: The path of a file of certificates that may sign that of the API; nil: those of the system may.
    package init(url: URL, project: String, token: String? = nil, authorities: String? = nil) {
        self.authorities = authorities
        self.url = url
        self.project = project
        self.token = token
    }

    /// The root of an API as a user gives it.
    ///
    /// - Parameter source: Where the text was given, such as `--url`.
    /// - Throws: ``Failure`` when it is no HTTP URL.
    package static func url(_ text: String, from source: String) throws(Failure) -> URL {
        guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host != nil
        else {
            throw Failure("\(source): '\(text)' is not allowed; allowed: http://host:port, https://host:port", .usage)
        }
        return url
    }

    /// Whether the API answers, and its store does too.
    package func answersPing() async -> Bool {
        // Whatever hinders the ping hinders every other call.
        (try? await self.send("GET", "/v2/ping").status) == 204
    }

    /// One call; an answer of any status is an answer.
    ///
    /// - Parameters:
    ///   - path: As it goes over the wire, with what has to be escaped escaped.
    ///   - headers: Beside, or in place of, those every call has.
    /// - Throws: ``Failure`` when there is none.
    package func send(
        _ method: String, _ path: String, json: Data? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        guard let target = URL(string: path, relativeTo: self.url) else {
            throw Failure("'\(path)' is no path", .usage)
        }
        guard let method = HTTPClientRequest.Method(rawValue: method) else {
            throw Failure("'\(method)' is no method", .usage)
        }
        var fields = [
            "Accept": "application/json", "Client-ID": self.client, "X-Project-ID": self.project,
        ]
        if json != nil { fields["Content-Type"] = "application/json" }
        if let token { fields["X-Auth-Token"] = token }
        fields.merge(headers) { $1 }
        let answer = try await HTTPTransfer.answer(
            method, target.absoluteURL, headers: fields.map { "\($0): \($1)" }, body: json, within: Self.timeout,
            believing: self.authorities)
        return Answer(status: answer.status, body: answer.body)
    }

    /// One call that must be answered with a certain status.
    ///
    /// - Throws: ``Failure`` with what the API says of any other, and the status of the command that goes with it.
    package func expect(
        _ status: Int, _ method: String, _ path: String, json: Data? = nil, headers: [String: String] = [:]
    ) async throws -> Data {
        let answer = try await self.send(method, path, json: json, headers: headers)
        guard answer.status == status else { throw Self.failure(answer, "\(method) \(path)") }
        return answer.body
    }

    private struct Refusal: Decodable {
        let title: String
        let description: String?
    }

    private static func failure(_ answer: Answer, _ call: String) -> Failure {
        let text: String
        if let refusal = try? JSONDecoder().decode(Refusal.self, from: answer.body) {
            text = [refusal.title, refusal.description].compactMap { $0 }.joined(separator: ": ")
        } else {
            // Not the API's own answer: a proxy's, or another server's.
            text = String(decoding: answer.body.prefix(300), as: UTF8.self)
        }
        return Failure("\(call) was answered \(answer.status): \(text)", .answered(answer.status))
    }
}
