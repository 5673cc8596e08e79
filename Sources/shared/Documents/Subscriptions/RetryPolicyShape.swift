package import Domain
import JSON

/// Reads a `_retry_policy`, which queue metadata and subscription options may both hold (docs/delivery.md,
/// "Retries").
package enum RetryPolicyShape {
    static let name = "_retry_policy"
    private static let schedule = "schedule"
    /// What a policy says that does not name its waits.
    private static let phaseNames = [
        "retries_with_no_delay", "minimum_delay_retries", "minimum_delay", "maximum_delay", "maximum_delay_retries",
        "retry_backoff_function",
    ]

    private static let override = "ignore_subscription_override"
    /// All members that mean something.
    static let memberNames = Set([schedule, override] + phaseNames)

    /// Reads the value of a `_retry_policy` that is not null.
    ///
    /// Clients compare the first sentence of several refusals.
    ///
    /// - Returns: nil for an empty object, which is as good as none.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func read(_ value: JSONValue, in parent: JSONObject) throws(Refusal) -> RetryPolicy? {
        guard let object = parent.object(value) else { throw .requestInvalid("retry_policy must be a dict.") }
        return try Self.policy(object)
    }

    private static func policy(_ object: JSONObject) throws(Refusal) -> RetryPolicy? {
        guard !object.members.isEmpty else { return nil }
        var policy: RetryPolicy
        if let waits = try Self.schedule(of: object) { policy = waits } else { policy = try Self.phases(of: object) }
        if let value = object[Self.override] {
            guard let boolean = value.boolean else {
                throw .requestInvalid("\(Self.override) must be a boolean.")
            }
            policy.ignoresSubscriptions = boolean
        }
        return policy
    }

    /// What a setting or a query says: the object as its JSON text.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package static func read(text: String) throws(Refusal) -> RetryPolicy {
        guard let object = try? JSONObject(document: Array(text.utf8)), let policy = try Self.policy(object) else {
            throw .requestInvalid("policy has to be a retry policy: a JSON object that is not empty.")
        }
        return policy
    }

    /// Whether options have a policy with a `schedule`, however it is written.
    static func hasSchedule(_ options: JSONObject) -> Bool {
        options[Self.name].flatMap { options.object($0) }?[Self.schedule] != nil
    }

    /// The waits of `schedule`, or what its name stands for; nil when there is none.
    private static func schedule(of object: JSONObject) throws(Refusal) -> RetryPolicy? {
        guard let value = object[Self.schedule] else { return nil }
        for name in Self.phaseNames where object[name] != nil {
            throw .requestInvalid("Retry policy: \(Self.schedule) and \(name) exclude each other.")
        }
        if let text = object.text(value) {
            guard let preset = RetryPolicy.Preset(rawValue: text) else {
                let names = RetryPolicy.Preset.allCases.map(\.rawValue).joined(separator: ", ")
                throw .requestInvalid("Retry policy: there is no schedule of the name \(text); there are \(names).")
            }
            return preset.policy
        }
        let (most, longest) = (RetryPolicy.waitsMax, RetryPolicy.delaySecondsMax)
        let waits = object.elements(value)?.map { $0.integer.map { Int($0) } ?? -1 }
        guard let waits, waits.count <= most, waits.allSatisfy((0...longest).contains) else {
            throw .requestInvalid(
                "Retry policy: schedule has to be an array of at most \(most) waits of 0 to \(longest) s, or the name of one."
            )
        }
        return RetryPolicy(waits: waits)
    }

    private static func phases(of object: JSONObject) throws(Refusal) -> RetryPolicy {
        var policy = RetryPolicy()
        let counts = 0...RetryPolicy.countMax
        try Self.number("retries_with_no_delay", of: object, in: counts, into: &policy.retriesWithoutDelay)
        try Self.number("minimum_delay_retries", of: object, in: counts, into: &policy.minimumDelayRetries)
        try Self.number("maximum_delay_retries", of: object, in: counts, into: &policy.maximumDelayRetries)
        let delays = 0...RetryPolicy.delaySecondsMax
        try Self.number("minimum_delay", of: object, in: delays, into: &policy.delayMin)
        try Self.number("maximum_delay", of: object, in: delays, into: &policy.delayMax)
        if let value = object["retry_backoff_function"] {
            guard let text = object.text(value) else {
                throw .requestInvalid("retry_backoff_function must be a string.")
            }
            guard let backoff = BackoffFunction(rawValue: text) else {
                let names = BackoffFunction.allCases.map(\.rawValue).joined(separator: ", ")
                throw .requestInvalid("invalid retry_backoff_function. It has to be one of \(names).")
            }
            policy.backoff = backoff
        }
        try Self.checkDelays(of: policy)
        return policy
    }

    private static func checkDelays(of policy: RetryPolicy) throws(Refusal) {
        let span = RetryPolicy.delaySpanMin
        // Of a policy that names one of the two alone the default of the other counts, which the caller may not know.
        let found =
            "maximum_delay has to be at least \(span) s longer than minimum_delay; here they are \(policy.delayMax) s and "
            + "\(policy.delayMin) s (\(RetryPolicy().delayMax) s and \(RetryPolicy().delayMin) s where not given)."
        guard policy.delayMax >= policy.delayMin else {
            throw .requestInvalid("minimum_delay must less than maximum_delay. \(found)")
        }
        guard policy.delayMax - policy.delayMin >= span else {
            throw .requestInvalid("invalid minimum_delay and maximum_delay. \(found)")
        }
        guard policy.delayMin >= policy.backoff.shortestMin else {
            throw .requestInvalid(
                "minimum_delay has to be at least \(policy.backoff.shortestMin) for a \(policy.backoff.rawValue) backoff."
            )
        }
    }

    private static func number(
        _ name: String, of object: JSONObject, in range: ClosedRange<Int>, into field: inout Int
    ) throws(Refusal) {
        guard let value = object[name] else { return }
        guard let number = value.integer else { throw .requestInvalid("Retry policy: \(name) must be a integer.") }
        guard range.contains(Int(number)) else {
            throw .requestInvalid(
                "Retry policy: \(name) has to lie between \(range.lowerBound) and \(range.upperBound).")
        }
        field = Int(number)
    }
}
