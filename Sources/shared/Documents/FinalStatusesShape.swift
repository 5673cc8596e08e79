import Domain
import JSON

/// Reads the `_final_statuses` of a subscription: `[400, 404, "5xx"]`.
enum FinalStatusesShape {
    private static let name = "_final_statuses"

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func read(_ options: JSONObject) throws(Refusal) -> FinalStatuses {
        guard let value = options[Self.name] else { return .none }
        guard let elements = options.elements(value), elements.count <= FinalStatuses.countMax else {
            throw .requestInvalid(
                "The option \(Self.name) has to be an array of at most \(FinalStatuses.countMax) statuses.")
        }
        var statuses: Set<Int> = []
        var classes: Set<Int> = []
        for element in elements {
            if let status = element.integer, FinalStatuses.range.contains(Int(status)) {
                statuses.insert(Int(status))
            } else if let text = options.text(element), let digit = Self.classes[text] {
                classes.insert(digit)
            } else {
                let range = FinalStatuses.range
                throw .requestInvalid(
                    "The option \(Self.name) may hold integers from \(range.lowerBound) to \(range.upperBound) and"
                        + " \(Self.classes.keys.sorted().joined(separator: ", ")).")
            }
        }
        return FinalStatuses(statuses: statuses, classes: classes)
    }

    private static let classes = Dictionary(uniqueKeysWithValues: FinalStatuses.classes.map { ("\($0)xx", $0) })
}
