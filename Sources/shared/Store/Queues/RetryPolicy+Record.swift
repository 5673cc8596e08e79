import Domain

extension RetryPolicy {
    private static let corrupt = StoreError.corrupt("the retry policy of a queue")

    /// As the record of a queue has it, for the scripts that hand out leases.
    ///
    /// ```
    /// retries without delay | retries after the minimum | minimum, s | maximum, s | retries after the maximum
    ///     | backoff function | 1: subscriptions do not count, else 0; blanks between
    /// ```
    /// Of a policy that names its waits, from format 4 on: the word schedule, the waits in seconds with commas between or a dash for none,
    /// and the same last number.
    var record: String {
        let ignores = self.ignoresSubscriptions ? 1 : 0
        if let waits = self.waits {
            return "schedule \(waits.isEmpty ? "-" : waits.map(String.init).joined(separator: ",")) \(ignores)"
        }
        return "\(self.retriesWithoutDelay) \(self.minimumDelayRetries) \(self.delayMin) \(self.delayMax) "
            + "\(self.maximumDelayRetries) \(self.backoff.rawValue) \(ignores)"
    }

    /// - Parameter record: nil comes of an empty one: the queue has no policy.
    init?(record: String) throws(StoreError) {
        if record.isEmpty { return nil }
        let parts = record.split(separator: " ")
        self = try parts.first == "schedule" ? Self.waits(parts) : Self.phases(parts)
        guard let last = parts.last, last == "0" || last == "1" else { throw Self.corrupt }
        self.ignoresSubscriptions = last == "1"
    }

    private static func waits(_ parts: [Substring]) throws(StoreError) -> RetryPolicy {
        guard parts.count == 3 else { throw Self.corrupt }
        if parts[1] == "-" { return RetryPolicy(waits: []) }
        let texts = parts[1].split(separator: ",", omittingEmptySubsequences: false)
        let waits = texts.compactMap { Int($0) }
        guard waits.count == texts.count, waits.count <= Self.waitsMax,
            waits.allSatisfy((0...Self.delaySecondsMax).contains)
        else { throw Self.corrupt }
        return RetryPolicy(waits: waits)
    }

    private static func phases(_ parts: [Substring]) throws(StoreError) -> RetryPolicy {
        let numbers = parts.compactMap { Int($0) }
        let counts = 0...Self.countMax
        let delays = 0...Self.delaySecondsMax
        guard parts.count == 7, numbers.count == 6, [0, 1, 4].allSatisfy({ counts.contains(numbers[$0]) }),
            delays.contains(numbers[2]), delays.contains(numbers[3]), numbers[2] <= numbers[3],
            let backoff = BackoffFunction(rawValue: String(parts[5])), numbers[2] >= backoff.shortestMin
        else { throw Self.corrupt }
        var policy = RetryPolicy()
        policy.retriesWithoutDelay = numbers[0]
        policy.minimumDelayRetries = numbers[1]
        policy.delayMin = numbers[2]
        policy.delayMax = numbers[3]
        policy.maximumDelayRetries = numbers[4]
        policy.backoff = backoff
        return policy
    }
}
