/// How long until what failed is started again: twice as long each time, and as at first once it went well for long.
package struct RestartPause: Sendable {
    package static let longest = Duration.seconds(30)

    private let first: Duration
    private var coming: Duration

    package init(first: Duration) {
        self.first = first
        self.coming = first
    }

    /// - Parameter ran: How long it went well this time.
    package mutating func next(after ran: Duration) -> Duration {
        if ran >= Self.longest { self.coming = self.first }
        defer { self.coming = min(self.coming * 2, Self.longest) }
        return self.coming
    }
}
