package import NIOCore

/// The notifications that wait for one client, in their order: bounded in frames and bytes.
///
/// Of bytes it holds as many as may be, and one frame more: a single one always fits.
package struct Outbox: Sendable {
    package enum Offer: Sendable, Equatable {
        /// - isFirst: Nothing waited before it, so nothing is about to be written.
        case taken(isFirst: Bool)
        case full
        /// The connection ends.
        case over
    }

    /// Bytes of followed queues that may wait, and one frame more.
    private static let followedBytesMax = 64 * 1024

    private let framesMax: Int
    private let bytesMax: Int
    private var frames = CircularBuffer<ByteBuffer>(initialCapacity: 1)
    package private(set) var bytes = 0
    /// Of an answer that the kernel has not taken; it is beside the bounds, for there is never more than one.
    package private(set) var answerBytes = 0
    /// The answer to a request comes first.
    private var isHeld = false
    package private(set) var isOver = false

    package init(framesMax: Int, bytesMax: Int) {
        self.framesMax = framesMax
        self.bytesMax = bytesMax
    }

    package mutating func offer(_ frame: ByteBuffer) -> Offer {
        self.offer(frame, framesMax: self.framesMax, bytesMax: self.bytesMax)
    }

    /// The same of a frame that can be read from the store again: it is taken while little waits, so that it stands in the way of no
    /// notification, and ``Offer/full`` is no fault of the client.
    package mutating func offerFollowed(_ frame: ByteBuffer) -> Offer {
        self.offer(
            frame, framesMax: max(1, self.framesMax / 2), bytesMax: min(Self.followedBytesMax, self.bytesMax / 2))
    }

    private mutating func offer(_ frame: ByteBuffer, framesMax: Int, bytesMax: Int) -> Offer {
        guard !self.isOver else { return .over }
        let isFirst = self.frames.isEmpty
        guard self.frames.count < framesMax, isFirst || self.bytes + frame.readableBytes <= bytesMax else {
            return .full
        }
        self.append(frame)
        return .taken(isFirst: isFirst)
    }

    package var isEmpty: Bool { self.frames.isEmpty }

    /// - Parameter bytes: Of the answer; 0 once the kernel has it.
    package mutating func answerWaits(_ bytes: Int) { self.answerBytes = self.isOver ? 0 : bytes }

    /// Lets nothing leave until the answer has.
    package mutating func hold() { self.isHeld = true }
    package mutating func release() { self.isHeld = false }

    /// nil when nothing waits, or may leave.
    package mutating func take() -> ByteBuffer? {
        guard !self.isHeld, let frame = self.frames.popFirst() else { return nil }
        self.bytes -= frame.readableBytes
        return frame
    }

    /// Takes a last frame, whatever the bounds, and no further one.
    ///
    /// - Parameter dropsRest: Whether what waits is given up.
    package mutating func end(with frame: ByteBuffer?, dropsRest: Bool) {
        if dropsRest {
            self.frames = CircularBuffer(initialCapacity: 1)
            self.bytes = 0
            self.answerBytes = 0
        }
        self.isHeld = false
        self.isOver = true
        if let frame { self.append(frame) }
    }

    private mutating func append(_ frame: ByteBuffer) {
        self.frames.append(frame)
        self.bytes += frame.readableBytes
    }
}
