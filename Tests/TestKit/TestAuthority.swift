import CSSL
package import Foundation

/// An authority for tests: signs certificates, and has one of its own.
package struct TestAuthority: Sendable {
    /// A certificate and its key, in PEM.
    package struct Issued: Sendable {
        package let certificate: String
        package let key: String

        /// Writes both into a folder.
        ///
        /// - Returns: Their paths.
        package func write(to folder: URL, as name: String = "server") throws -> (certificate: String, key: String) {
            let certificate = folder.appendingPathComponent("\(name).crt")
            let key = folder.appendingPathComponent("\(name).key")
            try Data(self.key.utf8).write(to: key, options: .atomic)
            try Data(self.certificate.utf8).write(to: certificate, options: .atomic)
            return (certificate.path, key.path)
        }
    }

    package struct Failed: Error {}

    private let own: Issued
    /// Its certificate, in PEM.
    package var certificate: String { self.own.certificate }

    package init(_ name: String = "Test authority") throws {
        self.own = try Self.issue(
            name, extensions: [(NID_basic_constraints, "critical,CA:TRUE")], by: nil, -3600, 86_400)
    }

    /// Issues a certificate.
    ///
    /// - Parameters:
    ///   - names: Names and addresses it is for: `DNS:localhost`, `IP:127.0.0.1`.
    ///   - end: When it ends, in seconds from now.
    package func issue(
        _ name: String = "server", for names: [String] = ["DNS:localhost", "IP:127.0.0.1"], until end: Int = 3600
    ) throws -> Issued {
        let extensions = names.isEmpty ? [] : [(NID_subject_alt_name, names.joined(separator: ","))]
        return try Self.issue(name, extensions: extensions, by: self.own, min(-3600, end - 3600), end)
    }

    /// Writes its certificate into a folder.
    ///
    /// - Returns: The path.
    package func write(to folder: URL, as name: String = "ca.crt") throws -> String {
        let file = folder.appendingPathComponent(name)
        try Data(self.certificate.utf8).write(to: file, options: .atomic)
        return file.path
    }

    private static func issue(
        _ name: String, extensions: [(Int32, String)], by issuer: Issued?, _ begin: Int, _ end: Int
    ) throws -> Issued {
        let key = try self.makeKey()
        defer { EVP_PKEY_free(key) }
        guard let certificate = X509_new() else { throw Failed() }
        defer { X509_free(certificate) }
        X509_set_version(certificate, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...(1 << 40)))
        X509_gmtime_adj(X509_getm_notBefore(certificate), begin)
        X509_gmtime_adj(X509_getm_notAfter(certificate), end)
        X509_set_pubkey(certificate, key)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, name, -1, -1, 0)
        let authority = try issuer.map { try self.read($0) }
        defer {
            X509_free(authority?.certificate)
            EVP_PKEY_free(authority?.key)
        }
        X509_set_issuer_name(certificate, X509_get_subject_name(authority?.certificate ?? certificate))
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, authority?.certificate ?? certificate, certificate, nil, nil, 0)
        for (kind, value) in extensions {
            guard let made = X509V3_EXT_conf_nid(nil, &context, kind, value) else { throw Failed() }
            X509_add_ext(certificate, made, -1)
            X509_EXTENSION_free(made)
        }
        guard X509_sign(certificate, authority?.key ?? key, EVP_sha256()) > 0 else { throw Failed() }
        return Issued(
            certificate: try self.text { PEM_write_bio_X509($0, certificate) },
            key: try self.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) })
    }

    private static func makeKey() throws -> OpaquePointer {
        let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_keygen(context, &key) == 1, let key
        else { throw Failed() }
        return key
    }

    private static func read(_ issued: Issued) throws -> (certificate: OpaquePointer, key: OpaquePointer) {
        func read(_ text: String, _ body: (OpaquePointer?) -> OpaquePointer?) -> OpaquePointer? {
            Array(text.utf8).withUnsafeBytes { bytes in
                let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count))
                defer { BIO_free(bio) }
                return body(bio)
            }
        }
        guard let certificate = read(issued.certificate, { PEM_read_bio_X509($0, nil, nil, nil) }),
            let key = read(issued.key, { PEM_read_bio_PrivateKey($0, nil, nil, nil) })
        else { throw Failed() }
        return (certificate, key)
    }

    private static func text(_ write: (OpaquePointer?) -> Int32) throws -> String {
        let bio = BIO_new(BIO_s_mem())
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { throw Failed() }
        let bytes = [UInt8](unsafeUninitializedCapacity: 16_384) { bytes, count in
            count = max(0, Int(BIO_read(bio, bytes.baseAddress, Int32(bytes.count))))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
