import Domain

extension RetryPolicy {
    /// As the record of a queue has it, for the scripts that hand out leases.
    ///
    /// ```
    /// retries without delay | retries after the minimum | minimum, s | maximum, s | retries after the maximum
    ///     | backoff function | 1: subscriptions do not count, else 0; blanks between
    /// ```
    var record: String {
        "\(self.retriesWithoutDelay) \(self.minimumDelayRetries) \(self.delayMin) \(self.delayMax) "
            + "\(self.maximumDelayRetries) \(self.backoff.rawValue) \(self.ignoresSubscriptions ? 1 : 0)"
    }

    /// - Parameter record: nil comes of an empty one: the queue has no policy.
    init?(record: String) throws(StoreError) {
        if record.isEmpty { return nil }
        let parts = record.split(separator: " ")
        let numbers = parts.compactMap { Int($0) }
        let counts = 0...Self.countMax
        let delays = 0...Self.delaySecondsMax
        guard parts.count == 7, numbers.count == 6, [0, 1, 4].allSatisfy({ counts.contains(numbers[$0]) }),
            delays.contains(numbers[2]), delays.contains(numbers[3]), numbers[2] <= numbers[3],
            let backoff = BackoffFunction(rawValue: String(parts[5])), numbers[2] >= backoff.shortestMin
        else {
            throw .corrupt("the retry policy of a queue")
        }
        self.init()
        self.retriesWithoutDelay = numbers[0]
        self.minimumDelayRetries = numbers[1]
        self.delayMin = numbers[2]
        self.delayMax = numbers[3]
        self.maximumDelayRetries = numbers[4]
        self.backoff = backoff
        self.ignoresSubscriptions = numbers[5] == 1
    }
}
