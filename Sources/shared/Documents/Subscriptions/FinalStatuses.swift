import Domain
import JSON

/// The statuses of HTTP answers that end a delivery at once, without the retries of its policy; a subscription names them in
/// `_final_statuses`.
package struct FinalStatuses: Sendable, Equatable {
    /// Statuses that can be named: every answer that is not a success.
    package static let range = 300...599
    /// Classes that can be named, as the first digit: `3xx`, `4xx`, `5xx`.
    package static let classes = 3...5
    /// Entries of one list.
    package static let countMax = 64

    private let statuses: Set<Int>
    private let classes: Set<Int>

    package static let none = FinalStatuses(statuses: [], classes: [])

    package init(statuses: Set<Int>, classes: Set<Int>) {
        self.statuses = statuses
        self.classes = classes
    }

    /// Bytes of memory that they take, about.
    package var bytes: Int { (self.statuses.count + self.classes.count) * Self.entryBytes }

    private static let entryBytes = 32

    package func contains(_ status: Int) -> Bool {
        self.statuses.contains(status) || self.classes.contains(status / 100)
    }
}

/// Reads the `_final_statuses` of a subscription: `[400, 404, "5xx"]`.
enum FinalStatusesShape {
    static let name = "_final_statuses"

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
