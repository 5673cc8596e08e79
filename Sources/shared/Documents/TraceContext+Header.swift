import Cryptography
package import Domain

/// `traceparent`, the header of W3C Trace Context.
extension TraceContext {
    /// Reads the header; nil for what is none.
    ///
    /// Of a later version what is known of it is read, as its specification asks.
    package init?(traceparent text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, let version = Self.bytes(parts[0], 1), version != [0xFF],
            parts.count == 4 || version != [0], let trace = Self.bytes(parts[1], Self.traceBytes),
            let span = Self.bytes(parts[2], Self.spanBytes), let flags = Self.bytes(parts[3], 1)
        else { return nil }
        self.init(bytes: trace + span + flags)
    }

    /// The value of the header.
    package var traceparent: String {
        let digits = Hexadecimal.encode(self.bytes)
        let trace = digits.prefix(2 * Self.traceBytes)
        let span = digits.dropFirst(2 * Self.traceBytes).prefix(2 * Self.spanBytes)
        return "00-\(trace)-\(span)-\(digits.suffix(2))"
    }

    /// Of as many bytes; the header has digits in lower case only.
    private static func bytes(_ digits: Substring, _ count: Int) -> [UInt8]? {
        guard digits.utf8.count == 2 * count, !digits.utf8.contains(where: { (0x41...0x5A).contains($0) }) else {
            return nil
        }
        return Hexadecimal.decode(String(digits))
    }
}
