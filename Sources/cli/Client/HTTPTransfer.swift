import Foundation
import HTTPClient
import Logging
import NIOConcurrencyHelpers
import Settings
import TLS

/// The one place where commands make HTTP requests: with the client of the processes.
enum HTTPTransfer {
    struct Answer: Sendable {
        let status: Int
        let body: Data
    }

    private static let bodyBytesMax = 64 << 20
    /// By the file of authorities; a command has one client, or two.
    private static let clients = NIOLockedValueBox<[String?: CurlClient]>([:])

    /// Sends a request and waits for the whole answer, of any status.
    ///
    /// A cancelled task waits too, as long as the time limit of the request.
    ///
    /// - Parameters:
    ///   - headers: `Name: value` each.
    ///   - authorities: The path of a PEM file of authorities that may sign the certificate of the server; nil: those of the system may.
    /// - Throws: ``Failure`` with ``CommandStatus/unavailable`` when there is no answer.
    static func answer(
        _ method: HTTPClientRequest.Method, _ url: URL, headers: [String] = [], body: Data? = nil,
        within timeout: Duration, believing authorities: String? = nil
    ) async throws(Failure) -> Answer {
        func failure(_ reason: String) -> Failure {
            Failure("\(method.rawValue) \(url.absoluteString): no answer (\(reason))", .unavailable)
        }
        let target: HTTPURL
        do { target = try HTTPURL(url.absoluteString) } catch { throw failure(error.reason) }
        let client = try self.client(believing: authorities)
        // A body without a type would go out as a form.
        let headers = headers + (body == nil ? ["Content-Type:"] : [])
        let result = await withCheckedContinuation { continuation in
            client.send([
                HTTPClientRequest(
                    method, target, headers: headers, body: body.map { PinnedBytes($0) }, timeout: timeout
                ) { continuation.resume(returning: $0) }
            ])
        }
        switch result {
        case .responded(let response, _) where response.isBodyWhole:
            return Answer(status: response.status, body: Data(response.body))
        case .responded: throw failure("more than \(Self.bodyBytesMax) bytes, or cut off")
        case .failed(let reason, _): throw failure(Self.words(reason))
        case .aborted: throw failure("aborted")
        }
    }

    private static func client(believing authorities: String?) throws(Failure) -> CurlClient {
        if let client = self.clients.withLockedValue({ $0[authorities] }) { return client }
        if let authorities, access(authorities, R_OK) != 0 {
            throw Failure(
                "\(authorities): the file of authorities cannot be read (\(FileFault.words(readingPath: authorities)))",
                .usage)
        }
        var limits = HTTPClientLimits()
        limits.bodyReadMax = self.bodyBytesMax
        limits.bodyKeptMax = self.bodyBytesMax
        limits.transfersMax = 16
        let client: CurlClient
        do throws(HTTPClientError) {
            client = try CurlClient(
                limits: limits, egress: nil, userAgent: "herald", tls: TLSFiles(authorities: authorities),
                logger: Logger(label: "herald") { _ in SwiftLogNoOpLogHandler() })
        } catch { throw Failure("no request can be made: \(error)", .unavailable) }
        return self.clients.withLockedValue { clients in
            // Another task was faster: its client is as good.
            if let made = clients[authorities] {
                client.stop()
                return made
            }
            clients[authorities] = client
            return client
        }
    }

    private static func words(_ reason: HTTPClientFailure) -> String {
        switch reason {
        case .resolve: "the name has no address"
        case .connect: "nothing takes the connection"
        case .tls: "TLS failed: the server speaks none, or its certificate is not believed"
        case .timeout: "not in time"
        case .closed: "the connection ended"
        case .malformed: "what answers does not speak HTTP/1"
        case .tooLarge: "its head is too large"
        case .forbidden, .other: "the request failed"
        }
    }
}
