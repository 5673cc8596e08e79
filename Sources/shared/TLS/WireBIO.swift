import CSSL
import NIOCore

/// The bytes between a connection and its TLS session: what has arrived, and what is to be sent.
///
/// OpenSSL reads and writes them by a BIO of our own. A memory BIO would copy once more and keep the largest size it ever had, for
/// as long as the connection lives.
final class Wire {
    private var input = ByteBuffer()
    private var output: ByteBuffer
    private let allocator: ByteBufferAllocator

    init(_ allocator: ByteBufferAllocator) {
        self.allocator = allocator
        self.output = ByteBuffer()
    }

    var inputCount: Int { self.input.readableBytes }

    func receive(_ bytes: consuming ByteBuffer) {
        if self.input.readableBytes == 0 { self.input = bytes } else { self.input.writeBuffer(&bytes) }
    }

    /// Takes everything that is to be sent; nil when there is nothing.
    func takeOutput() -> ByteBuffer? {
        guard self.output.readableBytes > 0 else { return nil }
        defer { self.output = ByteBuffer() }
        return self.output
    }

    /// Has the output of the next calls lie in one buffer of this size.
    func reserveOutput(_ count: Int) {
        if self.output.readableBytes == 0 { self.output = self.allocator.buffer(capacity: count) }
    }

    fileprivate func read(into bytes: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(bytes.count, self.input.readableBytes)
        _ = self.input.readWithUnsafeReadableBytes { source in
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(count)))
            return count
        }
        if self.input.readableBytes == 0 { self.input = ByteBuffer() }
        return count
    }

    fileprivate func write(_ bytes: UnsafeRawBufferPointer) {
        if self.output.readableBytes == 0, self.output.capacity == 0 {
            self.output = self.allocator.buffer(capacity: bytes.count)
        }
        self.output.writeBytes(bytes)
    }

    // MARK: BIO

    /// A BIO over this wire, which has to outlive it.
    func makeBIO() -> OpaquePointer? {
        guard let method = Self.method.pointer, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// `@unchecked Sendable`: written once, before any other thread can see it, and only read afterwards.
    private struct Method: @unchecked Sendable {
        let pointer: OpaquePointer?
    }

    private static let method: Method = {
        let method = BIO_meth_new(BIO_get_new_index() | Int32(BIO_TYPE_SOURCE_SINK), "wire")
        BIO_meth_set_read(method) { bio, bytes, count in
            guard let bio, let bytes, count > 0, let wire = Wire.of(bio) else { return -1 }
            cssl_clear_retry(bio)
            let read = wire.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: Int(count)))
            guard read == 0 else { return Int32(read) }
            // More may come: the end of a connection is the handler's to notice.
            cssl_set_retry_read(bio)
            return -1
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio, let bytes, count > 0, let wire = Wire.of(bio) else { return -1 }
            cssl_clear_retry(bio)
            wire.write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return Method(pointer: method)
    }()

    private static func of(_ bio: OpaquePointer) -> Wire? {
        BIO_get_data(bio).map { Unmanaged<Wire>.fromOpaque($0).takeUnretainedValue() }
    }
}
