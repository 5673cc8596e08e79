import CSSL
import Glibc
import NIOConcurrencyHelpers
import NIOCore

/// What connections have in common: certificate, key, and who is believed.
///
/// TLS 1.2 and 1.3, without tickets, compression or a second handshake.
///
/// `@unchecked Sendable`: the context is written only before `init` returns. Afterwards it is the source of `SSL_new`, which counts a
/// reference atomically; each session belongs to the event loop of its connection, and keeps its context after this is gone.
package final class TLSContext: @unchecked Sendable {
    /// Bytes of the certificates that a client may send before it is believed.
    private static let certificateBytesMax = 16 * 1024

    private let pointer: OpaquePointer
    /// What an operator should know, though it can be used; in words that follow the path of the certificate.
    package let warning: String?
    /// When the certificate is no longer valid, in seconds since 1970; nil without one.
    package let expiry: Int?

    private init(_ pointer: OpaquePointer, _ certificate: Certificate?) {
        self.pointer = pointer
        self.warning = certificate?.warning
        self.expiry = certificate?.expiry
    }

    deinit {
        SSL_CTX_free(self.pointer)
    }

    /// For a listener.
    ///
    /// - Parameter files: With authorities every client has to have a certificate that one of them has signed.
    package static func server(_ files: TLSFiles) throws(TLSFileFault) -> TLSContext {
        let context = Self.make(TLS_server_method())
        do {
            let certificate = try Self.useCertificate(of: files, context)
            // With forward secrecy, and ciphers that check what they decrypt; those of TLS 1.3 all are such.
            guard SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 else {
                preconditionFailure("libssl has no cipher of TLS 1.2")
            }
            // Cheap ones: a peer that is not believed yet could ask for others, again and again. In FIPS mode there may be no X25519.
            guard
                cssl_set_groups(context, "X25519:P-256:P-384") == 1 || cssl_set_groups(context, "P-256:P-384") == 1
            else { preconditionFailure("libssl has no group of elliptic curves") }
            cssl_set_certificate_bytes_max(context, Self.certificateBytesMax)
            SSL_CTX_set_alpn_select_cb(context, selectProtocol, nil)
            if files.authorities != nil {
                try Self.useAuthorities(of: files, context, namesThem: true)
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
            }
            return TLSContext(context, certificate)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
    }

    /// For connections to a server, whose certificate has to be valid for its name.
    ///
    /// - Parameter files: Without authorities those of the system are believed; a certificate is shown to a server that asks.
    package static func client(_ files: TLSFiles) throws(TLSFileFault) -> TLSContext {
        let context = Self.make(TLS_client_method())
        do {
            let certificate = files.certificate == nil ? nil : try Self.useCertificate(of: files, context)
            if files.authorities == nil {
                // Without them no server is believed, and each handshake says so.
                SSL_CTX_set_default_verify_paths(context)
            } else {
                try Self.useAuthorities(of: files, context, namesThem: false)
            }
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
            return TLSContext(context, certificate)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
    }

    /// For connections to servers whose certificates an authority of the system has signed.
    package static let system: TLSContext = {
        do { return try .client(TLSFiles()) } catch {
            preconditionFailure("without files nothing can be wrong with one")
        }
    }()

    /// A session of one connection.
    ///
    /// - Parameter server: The name or address that the certificate of the peer has to be valid for; nil on a listener.
    /// - Returns: nil when there is no memory.
    func session(to server: String?, _ allocator: ByteBufferAllocator) -> TLSSession? {
        ErrorQueue.clear()
        guard let ssl = SSL_new(self.pointer) else { return nil }
        if let server {
            SSL_set_connect_state(ssl)
            guard Self.expect(server, ssl) else {
                SSL_free(ssl)
                return nil
            }
        } else {
            SSL_set_accept_state(ssl)
        }
        return TLSSession.owning(ssl, allocator)
    }

    private static func expect(_ server: String, _ ssl: OpaquePointer) -> Bool {
        var address = in6_addr()
        let isAddress =
            inet_pton(AF_INET, server, &address) == 1 || inet_pton(AF_INET6, server, &address) == 1
        if isAddress { return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server) == 1 }
        // The subject of a certificate is no name of a host, also where there are no others.
        SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        return SSL_set1_host(ssl, server) == 1 && cssl_set_server_name(ssl, server) == 1
    }

    private static func make(_ method: OpaquePointer?) -> OpaquePointer {
        ErrorQueue.clear()
        // Fails without memory, or where the configuration of OpenSSL names what it does not have.
        guard let context = SSL_CTX_new(method) else { preconditionFailure("libssl: \(ErrorQueue.words)") }
        cssl_harden(context)
        cssl_set_version_min(context, TLS1_2_VERSION)
        cssl_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS))
        SSL_CTX_set_num_tickets(context, 0)
        return context
    }

    // MARK: Files

    private struct Certificate {
        let warning: String?
        let expiry: Int?
    }

    private static func useCertificate(
        of files: TLSFiles, _ context: OpaquePointer
    ) throws(TLSFileFault) -> Certificate {
        func fault(_ part: TLSFiles.Part, _ reason: String) -> TLSFileFault {
            TLSFileFault(part, path: files[part] ?? "", reason)
        }
        let chain = try PEM.certificates(files, .certificate)
        defer { chain.forEach { X509_free($0) } }
        let key = try PEM.key(files)
        defer { EVP_PKEY_free(key) }
        ErrorQueue.clear()
        guard X509_check_private_key(chain[0], key) == 1 else {
            throw fault(.key, "is not the key of the certificate in \(files.certificate ?? "")")
        }
        ErrorQueue.clear()
        guard SSL_CTX_use_certificate(context, chain[0]) == 1 else {
            throw fault(.certificate, "cannot be used: \(ErrorQueue.words)")
        }
        guard SSL_CTX_use_PrivateKey(context, key) == 1 else {
            throw fault(.key, "cannot be used: \(ErrorQueue.words)")
        }
        for certificate in chain.dropFirst() where cssl_add_chain_certificate(context, certificate) != 1 {
            throw fault(.certificate, "cannot be used: \(ErrorQueue.words)")
        }
        return Certificate(warning: Self.warning(of: chain[0]), expiry: Self.expiry(of: chain[0]))
    }

    private static func useAuthorities(
        of files: TLSFiles, _ context: OpaquePointer, namesThem: Bool
    ) throws(TLSFileFault) {
        let authorities = try PEM.certificates(files, .authorities)
        defer { authorities.forEach { X509_free($0) } }
        for authority in authorities {
            ErrorQueue.clear()
            // What is there twice counts once.
            guard X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1,
                !namesThem || SSL_CTX_add_client_CA(context, authority) == 1
            else {
                throw TLSFileFault(.authorities, path: files.authorities ?? "", "cannot be used: \(ErrorQueue.words)")
            }
        }
    }

    private static func warning(of certificate: OpaquePointer) -> String? {
        // 0: the time in the certificate cannot be read, and no peer will take it either.
        if X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0 { return "has expired" }
        if X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0 { return "is not valid yet" }
        return nil
    }

    private static func expiry(of certificate: OpaquePointer) -> Int? {
        var time = tm()
        guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 else { return nil }
        return timegm(&time)
    }
}

/// The context that new connections take; those that are open go on with theirs.
package final class TLSContextHolder: Sendable {
    private let context: NIOLockedValueBox<TLSContext>

    package init(_ context: TLSContext) {
        self.context = NIOLockedValueBox(context)
    }

    package var current: TLSContext { self.context.withLockedValue { $0 } }

    package func replace(with context: TLSContext) { self.context.withLockedValue { $0 = context } }
}

/// Takes HTTP/1.1 of the protocols a client offers; one that offers only others is refused.
private func selectProtocol(
    _ ssl: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32,
    _ data: UnsafeMutableRawPointer?
) -> Int32 {
    // The length of the name stands before it.
    let own: StaticString = "\u{8}http/1.1"
    var selected: UnsafeMutablePointer<UInt8>?
    let outcome = SSL_select_next_proto(
        &selected, chosenCount, own.utf8Start, UInt32(own.utf8CodeUnitCount), offered, offeredCount)
    guard outcome == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    chosen?.pointee = UnsafePointer(selected)
    return SSL_TLSEXT_ERR_OK
}
