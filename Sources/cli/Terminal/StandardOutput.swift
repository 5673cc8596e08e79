import Foundation
import NIOConcurrencyHelpers
import Runtime

/// Standard output and standard error of a command, each written by a thread of its own.
///
/// A reader that stops reading (a terminal after Ctrl-S, a pager) blocks no part of the command, so that it can still be
/// ended; a reader that has gone, or a full disk, ends the command in order.
final class StandardOutput: Sendable {
    static let shared = StandardOutput(STDOUT_FILENO, errors: STDERR_FILENO)

    /// How long the end of a command waits for a reader of its last lines.
    private static let flushLimit = Duration.seconds(5)

    private let output: LineWriter
    private let errors: LineWriter
    private let firstFailure: NIOLockedValueBox<Int32?>
    private let failures: AsyncStream<Void>

    init(_ descriptor: Int32, errors: Int32) {
        let firstFailure = NIOLockedValueBox<Int32?>(nil)
        let (failures, failed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        self.firstFailure = firstFailure
        self.failures = failures
        self.output = LineWriter(
            descriptor, droppedLine: { "… \($0) lines were dropped: nothing read them in time" },
            onFailure: { reason in
                firstFailure.withLockedValue { $0 = $0 ?? reason }
                failed.yield()
            })
        self.errors = LineWriter(errors)
    }

    func line(_ text: String) { self.output.write(text) }

    func error(_ text: String) { self.errors.write(text) }

    /// A text on standard error without a line feed behind it.
    func errorText(_ text: String) { self.errors.write(text, terminator: "") }

    /// Waits until a write of standard output has failed, or the task is cancelled; for one caller.
    func waitForFailure() async {
        for await _ in self.failures { return }
    }

    /// Waits a moment until everything is written.
    ///
    /// - Returns: The `errno` of the first write of standard output that failed.
    func finish() -> Int32? {
        self.output.flush(within: Self.flushLimit)
        self.errors.flush(within: Self.flushLimit)
        return self.firstFailure.withLockedValue { $0 }
    }
}
