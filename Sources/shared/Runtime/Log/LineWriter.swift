import Dispatch
import Foundation
import NIOConcurrencyHelpers

/// Writes lines to a descriptor from a thread of its own: a reader that does not read blocks that thread and no caller.
///
/// The queue is bounded in bytes. A line that does not fit is dropped and counted, as is one that the descriptor refuses
/// (`EPIPE`, `ENOSPC`, `EIO`); a line with the count stands where they are missing, as soon as one gets through.
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
        /// What the descriptor is to stand for from the next write on.
        var replacement: Int32?
    }

    /// How the last write ended; the thread's own.
    private struct Tail {
        /// Lines that the descriptor has refused since the last line about it.
        var lost = 0
        /// A line was written in part: without a line feed the next one would continue it.
        var isTorn = false
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

    /// Has what is queued from now on written elsewhere, as soon as no write is under way.
    ///
    /// The number of the descriptor stays.
    ///
    /// - Parameter other: Closed by the writer.
    package func replaceDescriptor(with other: Int32) {
        let unused = self.state.withLockedValue { state in
            defer { state.replacement = other }
            return state.replacement
        }
        if let unused { close(unused) }
        self.work.signal()
    }

    // MARK: - The thread

    private func run() -> Never {
        // A reader that has gone is an error of the write on this thread, whatever the process does with SIGPIPE.
        var broken = sigset_t()
        sigemptyset(&broken)
        sigaddset(&broken, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &broken, nil)
        var tail = Tail()
        while true {
            self.work.wait()
            self.writePending(&tail)
        }
    }

    private func writePending(_ tail: inout Tail) {
        let (batch, dropped, replacement) = self.state.withLockedValue { state in
            defer { (state.pending, state.dropped, state.replacement) = ([], 0, nil) }
            return (state.pending, state.dropped, state.replacement)
        }
        if let replacement { self.replace(with: replacement, &tail) }
        guard !batch.isEmpty else { return self.state.withLockedValue { $0.dropped += dropped } }
        // Lines refused before stand before these, lines that found no space behind them.
        if self.report(tail.lost, &tail) {
            tail.lost = self.writeWhole(batch, &tail)
            if tail.lost > 0 { self.onDrop(tail.lost) }
        } else {
            let lines = Self.lines(in: batch[...])
            tail.lost += lines
            self.onDrop(lines)
        }
        if tail.lost > 0 || !self.report(dropped, &tail) { tail.lost += dropped }
        let ended = self.state.withLockedValue { state in
            state.finished += UInt64(batch.count)
            let ended = state.waiters.filter { $0.accepted <= state.finished }
            state.waiters.removeAll { $0.accepted <= state.finished }
            return ended
        }
        for waiter in ended { waiter.done.signal() }
    }

    private func replace(with other: Int32, _ tail: inout Tail) {
        if dup2(other, self.descriptor) == self.descriptor {
            // Not taken over from the other one.
            _ = fcntl(self.descriptor, F_SETFD, FD_CLOEXEC)
            tail.isTorn = false
        } else {
            self.onFailure(errno)
        }
        close(other)
    }

    /// - Returns: Whether there is nothing to report any more.
    private func report(_ count: Int, _ tail: inout Tail) -> Bool {
        guard count > 0, let line = self.droppedLine(count) else { return true }
        return self.writeWhole(Array("\(line)\n".utf8), &tail) == 0
    }

    private static func lines(in bytes: ArraySlice<UInt8>) -> Int { bytes.count { $0 == UInt8(ascii: "\n") } }

    /// - Returns: The number of lines that were not written whole, 0 when all were.
    private func writeWhole(_ bytes: [UInt8], _ tail: inout Tail) -> Int {
        var rest = (tail.isTorn ? [UInt8(ascii: "\n")] + bytes : bytes)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(self.descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                tail.isTorn = rest[rest.startIndex + written - 1] != UInt8(ascii: "\n")
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
                return Self.lines(in: rest.suffix(bytes.count))
            }
        }
        return 0
    }
}
