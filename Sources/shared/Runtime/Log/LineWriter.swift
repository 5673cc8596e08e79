import Dispatch
import Foundation
import NIOConcurrencyHelpers

/// Writes lines to a descriptor from a thread of its own: a reader that does not read blocks that thread and no caller.
///
/// The queue is bounded in bytes. A line that does not fit is dropped and counted, as is one that the descriptor refuses
/// (`EPIPE`, `ENOSPC`, `EIO`); the next line that does get through is followed by a line with the count.
package final class LineWriter: Sendable {
    /// Bytes that may wait; as many again may be in the write that is under way.
    package static let bytesMax = 256 * 1024

    private struct Waiter: Sendable {
        let accepted: UInt64
        let done: DispatchSemaphore
    }

    private struct State: Sendable {
        var pending: [UInt8] = []
        /// Bytes that were ever queued, and those of them that were written or given up.
        var accepted: UInt64 = 0
        var finished: UInt64 = 0
        /// Lines dropped since the last line about it.
        var dropped = 0
        var waiters: [Waiter] = []
    }

    private let descriptor: Int32
    private let bytesMax: Int
    private let droppedLine: @Sendable (Int) -> String?
    private let onDrop: @Sendable (Int) -> Void
    private let onFailure: @Sendable (Int32) -> Void
    private let state = NIOLockedValueBox(State())
    private let work = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - descriptor: Stays open for as long as the process lives. It may be in non-blocking mode.
    ///   - droppedLine: The line that reports how many were dropped; nil for none.
    ///   - onDrop: Called with each number of dropped lines, from any thread.
    ///   - onFailure: Called with the `errno` of each write that failed, from the writer's thread.
    package init(
        _ descriptor: Int32, bytesMax: Int = LineWriter.bytesMax,
        droppedLine: @escaping @Sendable (Int) -> String? = { _ in nil },
        onDrop: @escaping @Sendable (Int) -> Void = { _ in },
        onFailure: @escaping @Sendable (Int32) -> Void = { _ in }
    ) {
        self.descriptor = descriptor
        self.bytesMax = bytesMax
        self.droppedLine = droppedLine
        self.onDrop = onDrop
        self.onFailure = onFailure
        Thread.detachNewThread { self.run() }
    }

    /// Queues one line and returns at once.
    ///
    /// - Parameter line: Without its line feed.
    package func write(_ line: String, terminator: String = "\n") {
        let isAccepted = self.state.withLockedValue { state in
            let bytes = line.utf8.count + terminator.utf8.count
            guard state.pending.count + bytes <= self.bytesMax else {
                state.dropped += 1
                return false
            }
            state.pending.append(contentsOf: line.utf8)
            state.pending.append(contentsOf: terminator.utf8)
            state.accepted += UInt64(bytes)
            return true
        }
        if isAccepted { self.work.signal() } else { self.onDrop(1) }
    }

    /// Waits until everything queued so far was written or given up, but no longer than `limit`.
    ///
    /// It blocks its thread: for the end of a process.
    ///
    /// - Returns: Whether that was so in time.
    @discardableResult
    package func flush(within limit: Duration) -> Bool {
        let done = DispatchSemaphore(value: 0)
        self.state.withLockedValue { state in
            if state.finished >= state.accepted {
                done.signal()
            } else {
                state.waiters.append(Waiter(accepted: state.accepted, done: done))
            }
        }
        return done.wait(timeout: .now() + limit / .seconds(1)) == .success
    }

    // MARK: - The thread

    private func run() -> Never {
        // A reader that has gone is an error of the write on this thread, whatever the process does with SIGPIPE.
        var broken = sigset_t()
        sigemptyset(&broken)
        sigaddset(&broken, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &broken, nil)
        while true {
            self.work.wait()
            self.writePending()
        }
    }

    private func writePending() {
        let (batch, dropped) = self.state.withLockedValue { state in
            defer { (state.pending, state.dropped) = ([], 0) }
            return (state.pending, state.dropped)
        }
        guard !batch.isEmpty else { return self.state.withLockedValue { $0.dropped += dropped } }
        var lost = self.writeWhole(batch)
        if lost == 0, dropped > 0, let line = self.droppedLine(dropped) {
            // The count is kept for later when this line does not get through either.
            if self.writeWhole(Array("\(line)\n".utf8)) > 0 { lost = dropped }
        } else if lost > 0 {
            self.onDrop(lost)
            lost += dropped
        }
        let ended = self.state.withLockedValue { state in
            state.dropped += lost
            state.finished += UInt64(batch.count)
            let ended = state.waiters.filter { $0.accepted <= state.finished }
            state.waiters.removeAll { $0.accepted <= state.finished }
            return ended
        }
        for waiter in ended { waiter.done.signal() }
    }

    /// - Returns: The number of lines that were not written whole, 0 when all were.
    private func writeWhole(_ bytes: [UInt8]) -> Int {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(self.descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.dropFirst(written)
                continue
            }
            // A write of nothing is no progress and has no reason: it must not be tried for ever.
            let reason = written == 0 ? EIO : errno
            switch reason {
            case EINTR: continue
            case EAGAIN:
                var ready = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            default:
                self.onFailure(reason)
                return rest.count { $0 == UInt8(ascii: "\n") }
            }
        }
        return 0
    }
}
