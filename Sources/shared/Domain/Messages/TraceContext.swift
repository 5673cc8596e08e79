/// The trace that a request belongs to, and the span it was sent in (W3C Trace Context, version 00).
package struct TraceContext: Sendable, Equatable {
    /// Of the trace, then of the span; neither is all zero.
    private static let (traceBytes, spanBytes) = (16, 8)
    /// Bytes that one is kept as.
    package static let byteCount = Self.traceBytes + Self.spanBytes + 1

    /// Trace, span, flags.
    package let bytes: [UInt8]

    /// - Parameter bytes: ``byteCount`` of them; nil where trace or span are all zero.
    package init?(bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount, bytes.prefix(Self.traceBytes).contains(where: { $0 != 0 }),
            bytes.dropFirst(Self.traceBytes).prefix(Self.spanBytes).contains(where: { $0 != 0 })
        else { return nil }
        self.bytes = bytes
    }

    /// Reads the header `traceparent`; nil for what is none.
    ///
    /// Of a later version what is known of it is read, as its specification asks.
    package init?(traceparent text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, let version = Self.bytes(parts[0]), version.count == 1, version != [0xFF],
            parts.count == 4 || version != [0], let trace = Self.bytes(parts[1]), trace.count == Self.traceBytes,
            let span = Self.bytes(parts[2]), span.count == Self.spanBytes, let flags = Self.bytes(parts[3]),
            flags.count == 1
        else { return nil }
        self.init(bytes: trace + span + flags)
    }

    /// The value of the header `traceparent`.
    package var traceparent: String {
        func digits(_ bytes: some Sequence<UInt8>) -> String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        let (trace, rest) = (self.bytes.prefix(Self.traceBytes), self.bytes.dropFirst(Self.traceBytes))
        return "00-\(digits(trace))-\(digits(rest.prefix(Self.spanBytes)))-\(digits(rest.suffix(1)))"
    }

    /// Of hexadecimal digits in lower case.
    private static func bytes(_ digits: Substring) -> [UInt8]? {
        var (bytes, high): ([UInt8], UInt8?) = ([], nil)
        for character in digits.utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }
}

/// What a message says of the way it came.
package struct Provenance: Sendable, Equatable {
    /// More count as that many.
    package static let hopsMax = 127

    /// How many queues it came through before, at most ``hopsMax``.
    package let hops: Int
    /// Of the request that posted it; nil: it said nothing.
    package let trace: TraceContext?

    package init(hops: Int = 0, trace: TraceContext? = nil) {
        precondition(hops >= 0, "hops are counted")
        self.hops = min(hops, Self.hopsMax)
        self.trace = trace
    }

    /// Of nearly every message.
    package static let none = Provenance()

    /// The same behind one more queue.
    package var next: Provenance { Provenance(hops: self.hops + 1, trace: self.trace) }
}
