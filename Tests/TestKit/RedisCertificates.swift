import Foundation
package import Settings

/// The files of servers that are reached by TLS: one certificate for loopback, its key, and the authority that signed it.
package struct RedisCertificates: Sendable {
    private let certificate: String
    private let key: String
    /// The path of the authority's certificate.
    package let authority: String

    /// Writes them into a folder.
    fileprivate init(in folder: URL) throws {
        let authority = try TestAuthority()
        (self.certificate, self.key) = try authority.issue().write(to: folder)
        self.authority = try authority.write(to: folder)
    }

    /// Of processes that reach the servers, which ask for a certificate.
    package var settings: [Setting: String] {
        [
            Setting.redisTLSCAFile: self.authority, Setting.redisTLSCertificateFile: self.certificate,
            Setting.redisTLSKeyFile: self.key,
        ]
    }

    /// The same as variables.
    package var environment: [String: String] {
        Dictionary(uniqueKeysWithValues: self.settings.map { ($0.key.environment, $0.value) })
    }

    /// Of a server, or a Sentinel, that takes nothing but TLS at its port, and speaks it to others.
    func settings(port: Int) -> [(name: String, value: String)] {
        [
            ("port", "0"), ("tls-port", "\(port)"), ("tls-cert-file", self.certificate), ("tls-key-file", self.key),
            ("tls-ca-cert-file", self.authority), ("tls-auth-clients", "yes"), ("tls-replication", "yes"),
            ("tls-cluster", "yes"),
        ]
    }
}

/// Gives certificates whose files are gone afterwards.
package func withRedisCertificates<Result>(
    _ body: (RedisCertificates) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in try await body(try RedisCertificates(in: folder)) }
}
