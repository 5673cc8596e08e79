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
