import NIOCore

/// The body of an answer that is written in parts: how they are framed, and who waits to write the next one.
struct AnswerStream {
    typealias Waiter = UnsafeContinuation<Bool, Never>

    /// nil while no body is written in parts.
    private var framing: AnswerWriter.Framing?
    private var waiter: Waiter?

    mutating func begin(_ framing: AnswerWriter.Framing) { self.framing = framing }

    /// A part as it is written; nil when none is wanted, or the one before still waits.
    func part(_ bytes: ByteBuffer, _ allocator: ByteBufferAllocator) -> ByteBuffer? {
        guard let framing, self.waiter == nil else { return nil }
        return framing == .chunked ? AnswerWriter.chunk(bytes, allocator) : bytes
    }

    /// Keeps the writer of a part until there is space for the next one.
    mutating func wait(_ waiter: Waiter) { self.waiter = waiter }

    mutating func takeWaiter() -> Waiter? {
        defer { self.waiter = nil }
        return self.waiter
    }

    /// Ends the body.
    ///
    /// - Returns: What stands behind the last part; nil when there is no such body.
    mutating func end() -> ByteBuffer? {
        defer { self.framing = nil }
        return self.framing.map { $0 == .chunked ? AnswerWriter.lastChunk : ByteBuffer() }
    }
}
