import JSON

/// Which messages of a queue a subscription wants, in the language of the filter policies of Amazon SNS for message bodies.
///
/// ```json
/// {"store": ["example_corp"], "price_usd": [{"numeric": [">=", 100]}], "customer": {"interests": ["rugby", "football"]}}
/// ```
///
/// It is made once, when the subscription is, and asked for every message. docs/filters.md describes the language, and what of it
/// differs from SNS.
package struct FilterPolicy: Sendable {
    /// As it was given.
    package let text: String
    private let plan: FilterPlan

    /// - Throws: What is wrong first, in the order of the text; bounds of the whole policy come last.
    package init(_ text: String) throws(FilterPolicyInvalid) {
        try self.init(utf8: Array(text.utf8))
    }

    /// - Parameter bytes: One JSON object, alone in its document.
    /// - Throws: What is wrong first, in the order of the text; bounds of the whole policy come last.
    package init(utf8 bytes: [UInt8]) throws(FilterPolicyInvalid) {
        guard bytes.count <= FilterBounds.policyBytesMax else {
            throw FilterPolicyInvalid(.tooManyBytes(bytes.count), at: "")
        }
        self.plan = try FilterPolicyReader.plan(bytes)
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    /// As every policy is written that differs in white space and escapes only; policies are equal when these are.
    package var canonicalText: String {
        // Its text was read as JSON already.
        let bytes = try? CanonicalJSON.text(of: Array(self.text.utf8).span)
        return String(decoding: bytes.flatMap { $0 } ?? [], as: UTF8.self)
    }

    /// What it takes in memory, about: the values of a policy, each apart, take some times its text.
    package var byteCount: Int { 512 + 16 * self.text.utf8.count }

    /// Whether a message goes to the subscription.
    ///
    /// - Parameter body: One JSON document, which was checked when it was posted. What no key asks for is not checked again. A body that
    ///   is not an object, or not JSON, does not match.
    package func decision(on body: Span<UInt8>) -> FilterDecision {
        var evaluator = FilterEvaluator(self.plan)
        return evaluator.decision(on: body)
    }
}

extension FilterPolicy: Hashable {
    package static func == (one: FilterPolicy, other: FilterPolicy) -> Bool { one.canonicalText == other.canonicalText }

    package func hash(into hasher: inout Hasher) { hasher.combine(self.canonicalText) }
}
