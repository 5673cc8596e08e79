import Dispatch
import Foundation
import Logging
import NIOConcurrencyHelpers

/// The log of one process: lines on standard error that no caller waits for, and no repeated warning more often than once
/// in ``ProcessLog/period``.
///
/// | level | written |
/// |---|---|
/// | up to `notice`, and `critical` | each |
/// | `warning` and `error` | the first of a place in the code (and of a pool and a trouble of the store it names) at once, then one line in each period; ``LogKey/repeated`` says how many it stands for |
package final class ProcessLog: Sendable {
    package static let period = Duration.seconds(5)
    /// How long the end of a process waits for a reader of its last lines.
    static let flushLimit = Duration.seconds(1)

    private struct State: Sendable {
        var limit: RepetitionLimit<LogLine>
        var timerIsSet = false
        var format = LogFormat.text
    }

    private let writer: LineWriter
    private let state: NIOLockedValueBox<State>
    private let queue = DispatchQueue(label: "log")

    package init(writer: LineWriter, period: Duration = ProcessLog.period) {
        self.writer = writer
        self.state = NIOLockedValueBox(State(limit: RepetitionLimit(period: period)))
    }

    func take(_ line: LogLine, from source: RepetitionLimit<LogLine>.Source) {
        let now = ContinuousClock.now
        let format = self.state.withLockedValue { state -> LogFormat? in
            guard line.level == .warning || line.level == .error else { return state.format }
            defer { self.setTimer(&state, at: now) }
            return state.limit.admits(line, from: source, at: now) ? state.format : nil
        }
        if let format { self.writer.write(line.written(as: format)) }
    }

    /// A line that is no event, in the format of the others: the last words of a process, or how many lines are missing.
    func line(_ text: String) -> String {
        guard self.format == .json else { return text }
        var line = JSONLine(textBytesMax: LogLine.bytesMax / 2)
        line.member("time", LogLine.stamp(Int64(Date().timeIntervalSince1970 * 1000)))
        line.member("level", Logger.Level.critical.rawValue)
        line.member("message", text)
        return line.finished
    }

    /// How lines are written from now on.
    package var format: LogFormat {
        get { self.state.withLockedValue { $0.format } }
        set { self.state.withLockedValue { $0.format = newValue } }
    }

    /// Writes what is held back, and waits a moment until the reader of standard error has everything.
    package func finish() {
        let held = self.state.withLockedValue { $0.limit.takeAll() }
        self.write(held)
        self.writer.flush(within: Self.flushLimit)
    }

    private func setTimer(_ state: inout State, at now: ContinuousClock.Instant) {
        guard !state.timerIsSet, let end = state.limit.nextEnd else { return }
        state.timerIsSet = true
        let milliseconds = max(1, Int((end - now) / .milliseconds(1)) + 1)
        self.queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { self.periodOver() }
    }

    private func periodOver() {
        let now = ContinuousClock.now
        let held = self.state.withLockedValue { state in
            state.timerIsSet = false
            defer { self.setTimer(&state, at: now) }
            return state.limit.take(dueAt: now)
        }
        self.write(held)
    }

    private func write(_ held: [RepetitionLimit<LogLine>.Held]) {
        let format = self.format
        for held in held { self.writer.write(held.line.written(as: format, standingFor: held.count)) }
    }
}
