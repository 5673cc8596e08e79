/// A mail address that a project sends no mail to.
package struct Suppression: Sendable, Equatable {
    /// Why an address is suppressed.
    package enum Reason: String, Sendable, CaseIterable {
        /// A mail came back for good: there is no such address.
        case permanent
        /// Mails came back for now, again and again.
        case transient
        /// Its reader reported a mail as unwanted.
        case complaint
        /// The project asked for it.
        case manual
    }

    /// In lower case, without its `mailto:`.
    package let address: String
    package let reason: Reason
    package let since: Timestamp
    /// What a mail server said about it, on one line; empty when it said nothing.
    package let detail: String

    /// Bytes of ``detail``; what is beyond is left out.
    package static let detailBytesMax = 512
    /// Suppressed addresses of a project; beyond them the oldest is removed.
    package static let countMax = 100_000
    /// Mail that comes back for now suppresses an address when it does so on ``bounceDaysMax`` of as many days.
    package static let bounceDaysCounted = 14
    package static let bounceDaysMax = 3

    package init(address: String, reason: Reason, since: Timestamp, detail: String) {
        self.address = address
        self.reason = reason
        self.since = since
        self.detail = detail
    }
}

/// An address that a project may suppress.
package struct SuppressibleAddress: Hashable, Sendable {
    package let project: ProjectID
    /// In lower case, without its `mailto:`.
    package let address: String

    package init(_ address: String, of project: ProjectID) {
        self.project = project
        self.address = address
    }
}

/// A place in the list of a project's suppressions.
package struct SuppressionMarker: Sendable, Equatable {
    package let order: Int64

    package init(order: Int64) {
        self.order = order
    }
}
