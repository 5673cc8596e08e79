import Glibc

/// A descriptor that is kept for a listener which has to answer when the process has no other left.
///
/// On the event loop of its listener only.
final class ReserveDescriptor {
    private var descriptor: Int32 = -1

    init() {
        self.restore()
    }

    deinit {
        self.release()
    }

    /// - Returns: Whether there was one, which the next connection can take.
    @discardableResult
    func release() -> Bool {
        guard self.descriptor >= 0 else { return false }
        close(self.descriptor)
        self.descriptor = -1
        return true
    }

    /// Takes one again, if there is one.
    ///
    /// - Returns: Whether it is there.
    @discardableResult
    func restore() -> Bool {
        if self.descriptor < 0 { self.descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC) }
        return self.descriptor >= 0
    }
}
