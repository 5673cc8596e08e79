package import Domain
package import Filters
import JSON

/// The body of a request to try a filter policy: `{"body": {"event": "created"}}`, and `filter` for another policy than the subscription's.
package struct FilterTestBody: Sendable {
    /// What the policy is asked about: the JSON value as it was written.
    package let body: [UInt8]
    /// nil: that of the subscription.
    package let filter: FilterPolicy?

    /// - Throws: ``Refusal/bodyInvalid(_:)`` or ``Refusal/requestInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        let object = try JSONObject(bodyIfAny: bytes)
        for member in object.members where !["body", "filter"].contains(member.name) {
            throw .requestInvalid("The body may hold body and filter, and holds \(member.name).")
        }
        guard let body = object.value(of: "body") else {
            throw .requestInvalid("The body has to hold body, what a message would hold.")
        }
        self.body = Array(object.verbatim(body))
        self.filter = try object["filter"].map { value throws(Refusal) in
            try FilterOption.policy(Array(object.verbatim(value)), at: "The filter")
        }
    }
}

extension FilterPolicy {
    /// What it says of the body of a message.
    package func verdict(on body: Span<UInt8>) -> FilterVerdict {
        switch self.decision(on: body) {
        case .matches: FilterVerdict(cause: nil)
        case .refused(let rule):
            FilterVerdict(cause: FilterVerdict.Cause(pointer: rule.pointer, reason: rule.description))
        }
    }
}
