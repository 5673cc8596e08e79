package import NIOCore

/// The header of the PROXY protocol, version 2, in which a proxy names the address of its caller.
///
/// ```
/// 12 bytes signature │ version and command │ family and protocol │ 2 bytes length │ addresses, ports, further fields
/// ```
package enum ProxyHeader {
    package enum Reading: Equatable, Sendable {
        /// The connection does not begin with it.
        case absent
        case incomplete
        case malformed
        /// Taken off; nil when it names no address: a check of the proxy itself, or a caller without one.
        case present(SocketAddress?)
    }

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let fixedBytes = 16
    /// Bytes behind the fixed part; addresses take 36, and certificates of a caller are not for us.
    private static let bytesMax = 2048

    package static func take(_ input: inout ByteBuffer) -> Reading {
        let begin = input.readableBytesView.prefix(self.signature.count)
        guard begin.elementsEqual(self.signature.prefix(begin.count)) else { return .absent }
        guard input.readableBytes >= self.fixedBytes,
            let kind = input.getInteger(at: input.readerIndex + 12, as: UInt8.self),
            let family = input.getInteger(at: input.readerIndex + 13, as: UInt8.self),
            let length = input.getInteger(at: input.readerIndex + 14, as: UInt16.self)
        else { return .incomplete }
        guard kind == 0x20 || kind == 0x21, length <= self.bytesMax else { return .malformed }
        guard input.readableBytes >= self.fixedBytes + Int(length) else { return .incomplete }
        input.moveReaderIndex(forwardBy: self.fixedBytes)
        guard var rest = input.readSlice(length: Int(length)) else { return .malformed }
        // LOCAL: the proxy asks whether this server lives.
        guard kind == 0x21 else { return .present(nil) }
        let addressBytes: Int
        switch family {
        case 0x11: addressBytes = 4
        case 0x21: addressBytes = 16
        default: return .present(nil)
        }
        // Both addresses and both ports.
        guard length >= 2 * addressBytes + 4, let packed = rest.readSlice(length: addressBytes),
            let address = try? SocketAddress(packedIPAddress: packed, port: 0)  // of 4 or 16 bytes it is always one
        else { return .malformed }
        return .present(address)
    }
}
