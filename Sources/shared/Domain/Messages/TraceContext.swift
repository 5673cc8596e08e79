/// The trace that a request belongs to, and the span it was sent in (W3C Trace Context, version 00).
package struct TraceContext: Sendable, Equatable {
    /// Of the trace, then of the span; neither is all zero.
    package static let (traceBytes, spanBytes) = (16, 8)
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
}

/// What a message says of the way it came.
package struct Provenance: Sendable, Equatable {
    /// More count as that many.
    package static let hopsMax = 255

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
