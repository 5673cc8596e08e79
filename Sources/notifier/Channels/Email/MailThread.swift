import CEpoll

/// A thread of its own, for a library that blocks.
enum MailThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// - Returns: Whether there is a thread, which runs until `run` returns.
    static func start(stackBytes: Int, _ run: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(Body(run))
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
            guard let raw else { preconditionFailure("the thread was started without its arguments") }
            Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
            return nil
        }
        guard cepoll_start_thread(body, box.toOpaque(), stackBytes) == 0 else {
            box.release()
            return false
        }
        return true
    }
}
