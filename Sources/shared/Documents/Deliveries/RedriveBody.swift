package import Domain
import JSON

/// Which dead letters a caller means, as it wrote them; nil: not given.
package struct DeadLetterQuery: Sendable, Equatable {
    package let subscription: String?
    package let reason: String?
    package let since: String?
    package let until: String?

    package init(subscription: String?, reason: String?, since: String?, until: String?) {
        self.subscription = subscription
        self.reason = reason
        self.since = since
        self.until = until
    }
}

/// The body that has dead letters sent again.
///
/// ```json
/// {"ids": ["06a….06b…"], "max_per_second": 10}
/// {"subscription": "06a…", "reason": "exhausted", "since": "2026-11-21T04:00:00Z", "until": "2026-11-21T05:00:00Z"}
/// ```
/// `{}` means all of the queue. What is `null` is not said.
package struct RedriveBody: Sendable, Equatable {
    package static let idsMax = 1000

    package enum Selection: Sendable, Equatable {
        /// As they were written.
        case named([String])
        /// Those that fit, behind a marker if there is one.
        case filtered(DeadLetterQuery, marker: String?)
    }

    package let selection: Selection
    /// nil: all at once.
    package let maxPerSecond: Int?

    /// - Throws: ``Refusal/bodyInvalid(_:)`` or ``Refusal/requestInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        let object = try JSONObject(bodyIfAny: bytes)
        let filters = ["subscription", "reason", "since", "until", "marker"]
        for member in object.members where !(filters + ["ids", "max_per_second"]).contains(member.name) {
            throw .requestInvalid("The body may not hold \(member.name).")
        }
        self.maxPerSecond = try object["max_per_second"].map { value throws(Refusal) in
            guard let number = value.integer else { throw .requestInvalid("max_per_second has to be an integer.") }
            return try Self.pace(Int(clamping: number))
        }
        if let value = object["ids"] {
            guard let ids = object.texts(value), !ids.isEmpty, ids.count <= Self.idsMax else {
                throw .requestInvalid("ids has to be an array of 1 to \(Self.idsMax) strings.")
            }
            guard filters.allSatisfy({ object[$0] == nil }) else {
                throw .requestInvalid("ids cannot be given together with \(filters.joined(separator: ", ")).")
            }
            self.selection = .named(ids)
            return
        }
        func text(_ name: String) throws(Refusal) -> String? {
            guard let value = object[name] else { return nil }
            guard let text = object.text(value) else { throw .requestInvalid("\(name) has to be a string.") }
            return text
        }
        let query = DeadLetterQuery(
            subscription: try text("subscription"), reason: try text("reason"), since: try text("since"),
            until: try text("until"))
        self.selection = .filtered(query, marker: try text("marker"))
    }

    /// Starts in a second that may be asked for.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package static func pace(_ maxPerSecond: Int) throws(Refusal) -> Int {
        guard Pace.perSecondRange.contains(maxPerSecond) else {
            throw .requestInvalid(
                "max_per_second has to lie between \(Pace.perSecondRange.lowerBound) and \(Pace.perSecondRange.upperBound)."
            )
        }
        return maxPerSecond
    }
}
