import CSSL
import NIOCore

/// One connection as OpenSSL sees it: bytes of the wire on one side, bytes of the application on the other.
///
/// The one owner of an `SSL`; used on the event loop of its connection only. Bytes of the wire that OpenSSL has not decrypted yet are
/// at most one record, which it keeps itself.
final class TLSSession {
    /// What came of reading.
    struct Reading {
        /// nil: no whole record has arrived.
        var bytes: ByteBuffer?
        /// Behind the bytes nothing comes any more.
        var end: End?
    }

    enum End: Equatable {
        /// The peer has said so.
        case closed
        case failed(TLSError)
    }

    /// Bytes that are encrypted into one buffer: four records, which with all that is added to them have at most 64 KiB, so that the
    /// buffer has no more.
    private static let pieceBytes = 65_536 - 512
    /// Bytes of a record at most.
    private static let recordBytes = 16_384

    private let ssl: OpaquePointer
    private let wire: Wire
    private let allocator: ByteBufferAllocator

    /// - Parameter ssl: Freed by the session, or when there is no memory for one.
    static func owning(_ ssl: OpaquePointer, _ allocator: ByteBufferAllocator) -> TLSSession? {
        let wire = Wire(allocator)
        guard let bio = wire.makeBIO() else {
            SSL_free(ssl)
            return nil
        }
        // One reference for both directions, as SSL_set_bio counts.
        SSL_set_bio(ssl, bio, bio)
        return TLSSession(ssl, wire, allocator)
    }

    private init(_ ssl: OpaquePointer, _ wire: Wire, _ allocator: ByteBufferAllocator) {
        self.ssl = ssl
        self.wire = wire
        self.allocator = allocator
    }

    deinit {
        SSL_free(self.ssl)
    }

    func receive(_ bytes: consuming ByteBuffer) { self.wire.receive(bytes) }

    /// What is to be sent; nil when there is nothing.
    func takeOutput() -> ByteBuffer? { self.wire.takeOutput() }

    /// Goes on with the handshake as far as what has arrived allows.
    ///
    /// - Returns: Whether it is over.
    func handshake() throws(TLSError) -> Bool {
        ErrorQueue.clear()
        let result = SSL_do_handshake(self.ssl)
        guard result != 1 else { return true }
        guard SSL_get_error(self.ssl, result) != SSL_ERROR_WANT_READ else { return false }
        let last = ErrorQueue.last
        guard ![SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST].contains(cssl_reason(last)) else { throw .clearText }
        let verification = SSL_get_verify_result(self.ssl)
        guard verification == X509_V_OK else {
            throw .handshake(String(cString: X509_verify_cert_error_string(verification)))
        }
        throw .handshake(ErrorQueue.words)
    }

    /// Decrypts everything that has arrived.
    func read() -> Reading {
        // The only reference to its bytes, so that no record copies those before it.
        var bytes = ByteBuffer()
        while true {
            let wanted = max(512, min(Self.recordBytes, max(self.wire.inputCount, Int(SSL_pending(self.ssl)))))
            if bytes.capacity == 0 { bytes = self.allocator.buffer(capacity: wanted) }
            var result: Int32 = 0
            ErrorQueue.clear()
            bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                result = SSL_read(self.ssl, space.baseAddress, Int32(min(space.count, Self.recordBytes)))
                return max(0, Int(result))
            }
            guard result <= 0 else { continue }
            var reading = Reading()
            if bytes.readableBytes > 0 { reading.bytes = bytes }
            switch SSL_get_error(self.ssl, result) {
            case SSL_ERROR_WANT_READ: break
            case SSL_ERROR_ZERO_RETURN: reading.end = .closed
            default: reading.end = .failed(.broken(ErrorQueue.words))
            }
            return reading
        }
    }

    /// Encrypts bytes, a piece at a time.
    ///
    /// - Parameter piece: Called with what is to be sent, and whether it is the last.
    func write(_ bytes: ByteBuffer, piece: (ByteBuffer, Bool) -> Void) throws(TLSError) {
        var rest = bytes
        while rest.readableBytes > 0 {
            let count = min(rest.readableBytes, Self.pieceBytes)
            self.wire.reserveOutput(count + 512)
            ErrorQueue.clear()
            var written: Int32 = 0
            rest.readWithUnsafeReadableBytes { source in
                written = SSL_write(self.ssl, source.baseAddress, Int32(count))
                // Of a session that has failed, or has to read first, it is negative.
                return max(0, Int(written))
            }
            // The wire takes everything, so that nothing is ever written in part.
            guard Int(written) == count, let output = self.takeOutput() else { throw .broken(ErrorQueue.words) }
            piece(output, rest.readableBytes == 0)
        }
    }

    /// Says that nothing is written any more.
    func close() {
        ErrorQueue.clear()
        // 0 or 1: it is sent. Else the session has failed before.
        SSL_shutdown(self.ssl)
    }
}
