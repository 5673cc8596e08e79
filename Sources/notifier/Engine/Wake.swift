/// Wakes one waiting task; any number of calls before it looks are one.
struct Wake: Sendable {
    /// One element for each time there was a reason; for one reader only.
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (self.signals, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func call() {
        self.continuation.yield()
    }

    /// Ends ``signals``, after one that was called before.
    func finish() {
        self.continuation.finish()
    }
}
