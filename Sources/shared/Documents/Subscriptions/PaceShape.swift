import Domain
import JSON

/// Reads the options of a subscription that say how it is served: `{"_ordered": true, "_rate_limit": {"max_per_second": 5}}`.
///
/// Of a filter policy only that there is one: ``FilterOption`` reads it.
enum PaceShape {
    enum Name {
        static let ordered = "_ordered"
        static let rateLimit = "_rate_limit"
    }

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func read(_ options: JSONObject) throws(Refusal) -> Pace {
        var pace = Pace()
        if let value = options[Name.ordered] {
            guard let isOrdered = value.boolean else {
                throw .requestInvalid("The option \(Name.ordered) has to be a boolean.")
            }
            pace.isOrdered = isOrdered
        }
        pace.isFiltered = options[FilterOption.name] != nil
        if let value = options[Name.rateLimit] { pace.maxPerSecond = try Self.limit(options.object(value)) }
        return pace
    }

    private static func limit(_ object: JSONObject?) throws(Refusal) -> Int {
        guard let object, object.members.count == 1, let value = object["max_per_second"] else {
            throw .requestInvalid("The option _rate_limit has to be an object that holds max_per_second alone.")
        }
        let range = Pace.perSecondRange
        guard let number = value.integer, range.contains(Int(number)) else {
            throw .requestInvalid(
                "max_per_second of _rate_limit has to be an integer from \(range.lowerBound) to \(range.upperBound).")
        }
        return Int(number)
    }
}
