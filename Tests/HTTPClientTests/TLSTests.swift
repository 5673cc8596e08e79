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

    private func result(_ url: String, _ tls: TLSFiles) async throws -> HTTPClientResult {
        let client = try CurlClient(
            limits: HTTPClientLimits(), egress: nil, userAgent: "test/1", tls: tls, logger: quietLogger())
        defer { client.stop() }
        let url = try HTTPURL(url)
        return await withCheckedContinuation { continuation in
            client.send([HTTPClientRequest(.post, url) { continuation.resume(returning: $0) }])
        }
    }

    /// The status of a request; nil: there was no answer.
    private func status(_ url: String, _ tls: TLSFiles) async throws -> Int? {
        guard case .responded(let response, _) = try await self.result(url, tls) else { return nil }
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

    @Test func `A certificate that has expired, is for another name, or of another authority is no agreement on keys`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let authority = try TestAuthority()
            let believed = TLSFiles(authorities: try authority.write(to: folder))
            for (issued, isRight) in [
                (try authority.issue(until: -60), false), (try authority.issue(for: ["DNS:localhost"]), false),
                (try TestAuthority("Another").issue(), false), (try authority.issue(), true),
            ] {
                let server = try issued.write(to: folder)
                let files = TLSFiles(certificate: server.certificate, key: server.key)
                try await self.withServer(files) { url async throws in
                    switch try await self.result(url, believed) {
                    case .responded(let response, _): #expect(isRight && response.status == 200)
                    case .failed(let failure, _): #expect(!isRight && failure == .tls)
                    case .aborted: Issue.record("the client stopped it")
                    }
                }
            }
        }
    }
}
