import CEpoll
import Glibc

/// Waits for many descriptors at once, and for a signal from another thread.
///
/// Only the thread that owns the transfers waits; `EventFD` is what the others hold.
package final class Epoll {
    /// What happened to one descriptor.
    struct Event {
        let descriptor: Int32
        let isReadable: Bool
        let isWritable: Bool
        let isBroken: Bool
    }

    /// Events taken out of the kernel at once.
    private static let eventsMax = 256

    private let descriptor: Int32
    private var events = [epoll_event](repeating: epoll_event(), count: Epoll.eventsMax)

    package init?() {
        self.descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard self.descriptor >= 0 else { return nil }
    }

    /// Watches a descriptor, whether it was watched before or not.
    ///
    /// - Returns: Whether it is watched: the kernel may have no memory, or no watch left for this user
    ///   (`/proc/sys/fs/epoll/max_user_watches`).
    package func watch(_ descriptor: Int32, reading: Bool, writing: Bool) -> Bool {
        var event = epoll_event()
        event.data.fd = descriptor
        event.events = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
        // A number may have been closed and given out again since it was watched: the kernel knows.
        if epoll_ctl(self.descriptor, EPOLL_CTL_MOD, descriptor, &event) == 0 { return true }
        return errno == ENOENT && epoll_ctl(self.descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0
    }

    func forget(_ descriptor: Int32) {
        epoll_ctl(self.descriptor, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Waits until something happens, and calls back for each event.
    ///
    /// - Parameter milliseconds: At most this long; negative waits for ever, 0 only looks.
    func wait(milliseconds: Int32, _ body: (Event) -> Void) {
        let count = epoll_wait(self.descriptor, &self.events, Int32(Self.eventsMax), milliseconds)
        // What is called may watch and forget descriptors, but never wait: this array stays as it is until it is done.
        for event in self.events.prefix(Int(max(0, count))) {
            body(
                Event(
                    descriptor: event.data.fd,
                    isReadable: event.events & EPOLLIN.rawValue != 0,
                    isWritable: event.events & EPOLLOUT.rawValue != 0,
                    isBroken: event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0))
        }
    }

    deinit {
        Glibc.close(self.descriptor)
    }
}

/// An eventfd: any thread signals, the one that waits takes all signals at once.
package final class EventFD: Sendable {
    package let descriptor: Int32

    package init?() {
        self.descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard self.descriptor >= 0 else { return nil }
    }

    deinit {
        Glibc.close(self.descriptor)
    }

    func signal() {
        var one: UInt64 = 1
        // It fails only when 2^64 - 2 signals wait, and then the other side is awake anyway.
        _ = write(self.descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func drain() {
        var count: UInt64 = 0
        _ = read(self.descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
