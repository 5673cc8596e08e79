import CSSL
import TLS
import TestKit

/// A client straight on OpenSSL, for what a client of ours never does.
final class RawClient {
    private let context: OpaquePointer?
    private let ssl: OpaquePointer?

    /// It believes every server.
    init() {
        self.context = SSL_CTX_new(TLS_client_method())
        self.ssl = SSL_new(self.context)
        SSL_set_connect_state(self.ssl)
        SSL_set_bio(self.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
    }

    deinit {
        SSL_free(self.ssl)
        SSL_CTX_free(self.context)
    }

    /// Takes what the server has sent.
    func receive(_ bytes: [UInt8]) { BIO_write(SSL_get_rbio(self.ssl), bytes, Int32(bytes.count)) }

    /// - Returns: Whether the handshake is over.
    func handshake() -> Bool { SSL_do_handshake(self.ssl) == 1 }

    /// Asks the server for new keys, which it answers with a record.
    func updateKeys() {
        SSL_key_update(self.ssl, SSL_KEY_UPDATE_REQUESTED)
        SSL_do_handshake(self.ssl)
    }

    /// What is to be sent.
    func takeOutput() -> [UInt8] {
        let bio = SSL_get_wbio(self.ssl)
        return [UInt8](unsafeUninitializedCapacity: BIO_ctrl_pending(bio)) { bytes, count in
            count = max(0, Int(BIO_read(bio, bytes.baseAddress, Int32(bytes.count))))
        }
    }
}
