import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The one place where commands make HTTP requests.
enum HTTPTransfer {
    /// Sends a request and waits for the whole answer.
    ///
    /// A cancelled task waits too, as long as the time limit of the request: FoundationNetworking traps when a transfer is
    /// cancelled while it ends, so it runs in a task of its own.
    ///
    /// - Throws: `URLError` when there is no answer.
    static func answer(to request: URLRequest) async throws -> (body: Data, status: Int) {
        let (data, response) = try await Task { try await URLSession.shared.data(for: request) }.value
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return (data, http.statusCode)
    }
}
