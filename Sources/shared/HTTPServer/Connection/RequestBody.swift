import NIOCore

/// The body of one request: its parts as they arrive, and who waits for it whole.
struct RequestBody {
    typealias Outcome = Result<ByteBuffer?, HTTPRequestFault>
    typealias Waiter = UnsafeContinuation<Outcome, Never>

    /// Bytes of it by what the head says; nil without a body and for one in chunks.
    let contentLength: Int?
    private var decoder: BodyDecoder
    private var collected = ByteBuffer()
    private var bytesMax = 0
    private var waiter: Waiter?

    /// - Parameter head: nil for no request.
    init(of head: HTTPRequestHead?, _ limits: HTTPLimits) {
        self.decoder = BodyDecoder(head?.framing ?? .none, limits)
        self.contentLength = head?.contentLength
    }

    /// Takes the next part off the front of what has arrived.
    mutating func next(_ input: inout ByteBuffer) throws(HTTPRequestFault) -> BodyDecoder.Part {
        try self.decoder.next(&input)
    }

    /// From here on parts are collected, up to a size.
    mutating func collect(upTo bytesMax: Int, for waiter: Waiter) {
        self.bytesMax = bytesMax
        self.waiter = waiter
    }

    /// Whether a part is the body whole, so that it needs no memory of its own.
    func isWhole(_ part: ByteBuffer) -> Bool { part.readableBytes == self.contentLength }

    func hasSpace(for part: ByteBuffer) -> Bool {
        self.collected.readableBytes + part.readableBytes <= self.bytesMax
    }

    mutating func add(_ part: ByteBuffer) {
        if self.isWhole(part) {
            self.collected = part
        } else {
            // Copied: a slice would keep the buffer of a whole read for what may be one byte of it.
            self.collected.writeImmutableBuffer(part)
        }
    }

    /// Gives the body to its waiter.
    mutating func complete() { self.end(.success(self.collected)) }

    /// Ends the waiting, once.
    mutating func end(_ outcome: Outcome) {
        self.collected = ByteBuffer()
        let waiter = self.waiter
        self.waiter = nil
        waiter?.resume(returning: outcome)
    }
}
