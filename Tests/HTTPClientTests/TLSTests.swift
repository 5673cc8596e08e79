import HTTPClient
import HTTPServer
import Logging
import NIOCore
import ServiceLifecycle
import TLS
import TestKit
import Testing

/// Servers behind TLS: which certificates are believed, and which is shown.
struct TLSTests {
    /// Runs a server that asks for certificates of `clients`, around `body`.
    private func withServer(_ files: TLSFiles, _ body: (_ url: String) async throws -> Void) async throws {
        try await withHTTPListener { onListening in
            HTTPListener(
                host: "127.0.0.1", port: 0, tls: TLSContextHolder(try .server(files)), logger: quietLogger(),
                onListening: onListening,
                respond: { _ in .answer(HTTPAnswer(.ok, "now", type: "text/plain")) })
        } _: { port, _ in
            try await body("https://127.0.0.1:\(port)/")
        }
    }

    /// The status of a request; nil: there was no answer.
    private func status(_ url: String, _ tls: TLSFiles) async throws -> Int? {
        let client = try CurlClient(
            limits: HTTPClientLimits(), egress: nil, userAgent: "test/1", tls: tls, logger: quietLogger())
        defer { client.stop() }
        let url = try HTTPURL(url)
        let result = await withCheckedContinuation { continuation in
            client.send([HTTPClientRequest(.post, url) { continuation.resume(returning: $0) }])
        }
        guard case .responded(let response, _) = result else { return nil }
        return response.status
    }

    @Test func `A server is believed by the authorities that are given, and asks for the certificate that is`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let (servers, clients) = (try TestAuthority("Servers"), try TestAuthority("Clients"))
            let server = try servers.issue().write(to: folder)
            let client = try clients.issue("client", for: []).write(to: folder, as: "client")
            let other = try TestAuthority("Another").issue("client", for: []).write(to: folder, as: "other")
            let believed = try servers.write(to: folder)
            let files = TLSFiles(
                certificate: server.certificate, key: server.key,
                authorities: try clients.write(to: folder, as: "clients.crt"))
            try await self.withServer(files) { url async throws in
                func files(_ own: (certificate: String, key: String)?, _ authorities: String?) -> TLSFiles {
                    TLSFiles(certificate: own?.certificate, key: own?.key, authorities: authorities)
                }
                #expect(try await self.status(url, files(client, believed)) == 200)
                #expect(try await self.status(url, files(nil, believed)) == nil)
                #expect(try await self.status(url, files(other, believed)) == nil)
                #expect(try await self.status(url, files(client, nil)) == nil)
            }
        }
    }
}
