import Metrics
import Runtime

/// How many connections there are, what goes over them, and why they end.
final class SessionMetrics: Sendable {
    /// A connection that ended without a close frame has this in logs and metrics alone (RFC 6455, 7.4.1).
    static let withoutCode: UInt16 = 1006
    private static let codes: [UInt16] = [1000, 1001, 1002, 1006, 1007, 1009, 1012, 1013, 4003]

    private let open = Metric.sessionsOpen.gauge()
    private let framesIn = Metric.sessionFrames.counter("in")
    private let framesOut = Metric.sessionFrames.counter("out")
    private let closes: [UInt16: Counter]
    private let otherCloses = Metric.sessionsClosed.counter("other")

    init() {
        self.closes = Dictionary(
            uniqueKeysWithValues: Self.codes.map { ($0, Metric.sessionsClosed.counter(String($0))) })
    }

    func received() { self.framesIn.increment() }

    func sent() { self.framesOut.increment() }

    func opened() { self.open.increment() }

    /// - Parameter code: Of the first close frame; nil without one.
    func closed(_ code: CloseCode?) {
        self.open.decrement()
        // Clients choose among thousands of codes.
        (self.closes[code?.number ?? Self.withoutCode] ?? self.otherCloses).increment()
    }
}
