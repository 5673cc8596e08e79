package import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Talks to a house like any client: HTTP, JSON, and the two headers it asks for.
package struct HouseClient: Sendable {
    /// How long one call may take; the API itself answers or refuses sooner.
    private static let timeout: TimeInterval = 10

    package struct Answer: Sendable {
        package let status: Int
        package let body: Data
    }

    private let url: URL
    private let project: String
    private let client = UUID().uuidString.lowercased()

    /// - Parameter url: The root of the API, without `/v2`.
    package init(url: URL, project: String) {
        self.url = url
        self.project = project
    }

    /// Whether the house answers and its store does too.
    package func answersPing() async -> Bool {
        // Whatever hinders the ping hinders the demonstration.
        (try? await self.send("GET", "/v2/ping").status) == 204
    }

    /// One call; an answer of any status is an answer.
    ///
    /// - Parameter headers: Beside, or in place of, those every call has.
    /// - Throws: ``Failure`` when there is none.
    package func send(
        _ method: String, _ path: String, json: Data? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        guard let target = URL(string: path, relativeTo: self.url) else { throw Failure("'\(path)' is no path") }
        var request = URLRequest(url: target, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: Self.timeout)
        request.httpMethod = method
        request.httpBody = json
        request.setValue("application/json", forHTTPHeaderField: "Accept")
        if json != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
        request.setValue(self.client, forHTTPHeaderField: "Client-ID")
        request.setValue(self.project, forHTTPHeaderField: "X-Project-ID")
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        do {
            let (data, response) = try await URLSession.shared.data(for: request)
            guard let http = response as? HTTPURLResponse else { throw Failure("\(self.url) does not speak HTTP") }
            return Answer(status: http.statusCode, body: data)
        } catch let error as URLError {
            throw Failure("\(method) \(target.absoluteString): no answer (\(error.localizedDescription))")
        }
    }

    /// One call that must be answered with a certain status.
    package func expect(
        _ status: Int, _ method: String, _ path: String, json: Data? = nil, headers: [String: String] = [:]
    ) async throws -> Data {
        let answer = try await self.send(method, path, json: json, headers: headers)
        guard answer.status == status else {
            let words = String(decoding: answer.body.prefix(300), as: UTF8.self)
            throw Failure("\(method) \(path) was answered \(answer.status) instead of \(status): \(words)")
        }
        return answer.body
    }
}
