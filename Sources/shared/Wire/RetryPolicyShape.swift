import Domain

/// What a `_retry_policy` may look like, in queue metadata and subscription options alike (notifications contract,
/// "Retry policy", validation).
enum RetryPolicyShape {
    private static let countMax: Int64 = 100
    private static let delaySecondsMax: Int64 = 86_400
    private static let delaySpanMin: Int64 = 10
    private static let shapes = ["linear", "arithmetic", "geometric", "exponential"]

    /// Checks the value of a `_retry_policy` that is not null.
    ///
    /// - Returns: Whether it says anything; an empty object means the defaults.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func check(_ value: JSONValue, in parent: JSONObject) throws(Refusal) -> Bool {
        guard let policy = parent.object(value) else { throw .requestInvalid("retry_policy must be a dict.") }
        guard !policy.members.isEmpty else { return false }
        for name in ["retries_with_no_delay", "minimum_delay_retries", "maximum_delay_retries"] {
            _ = try Self.number(name, of: policy, in: 0...Self.countMax, default: 0)
        }
        let defaults = RetryPolicy()
        let range = 0...Self.delaySecondsMax
        let delayMin = try Self.number("minimum_delay", of: policy, in: range, default: Int64(defaults.delayMin))
        let delayMax = try Self.number("maximum_delay", of: policy, in: range, default: Int64(defaults.delayMax))
        var shape = Self.shapes[0]
        if let value = policy["retry_backoff_function"] {
            guard let text = policy.text(value) else {
                throw .requestInvalid("retry_backoff_function must be a string.")
            }
            guard Self.shapes.contains(text) else {
                throw .requestInvalid(
                    "invalid retry_backoff_function. It has to be one of \(Self.shapes.joined(separator: ", ")).")
            }
            shape = text
        }
        if let value = policy["ignore_subscription_override"], value.boolean == nil {
            throw .requestInvalid("ignore_subscription_override must be a boolean.")
        }
        guard delayMax >= delayMin else { throw .requestInvalid("minimum_delay must less than maximum_delay.") }
        guard delayMax - delayMin >= Self.delaySpanMin else {
            throw .requestInvalid(
                "invalid minimum_delay and maximum_delay. They have to lie \(Self.delaySpanMin) s apart.")
        }
        guard delayMin >= 1 || ["linear", "arithmetic"].contains(shape) else {
            throw .requestInvalid("minimum_delay has to be at least 1 for a \(shape) backoff.")
        }
        return true
    }

    private static func number(
        _ name: String, of policy: JSONObject, in range: ClosedRange<Int64>, default: Int64
    ) throws(Refusal) -> Int64 {
        guard let value = policy[name] else { return `default` }
        guard let number = value.integer else { throw .requestInvalid("Retry policy: \(name) must be a integer.") }
        guard range.contains(number) else {
            throw .requestInvalid(
                "Retry policy: \(name) has to lie between \(range.lowerBound) and \(range.upperBound).")
        }
        return number
    }
}
