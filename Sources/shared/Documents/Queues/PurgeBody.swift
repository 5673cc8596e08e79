package import Domain
package import JSON

/// The body of a purge: `{"resource_types": ["messages", "subscriptions"]}`.
package struct PurgeBody: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case messages, subscriptions
    }

    /// May be empty: then nothing is purged.
    package let kinds: Set<Kind>

    /// Reads the member of an object that asks for more than this: what is no kind is ignored, and every kind is meant when there is no
    /// such member.
    package init(known object: JSONObject) {
        guard let value = object["resource_types"], let elements = object.elements(value) else {
            self.kinds = Set(Kind.allCases)
            return
        }
        self.kinds = Set(elements.compactMap { object.text($0).flatMap(Kind.init) })
    }

    /// Reads the body; no bytes stand for every kind.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        guard !bytes.isEmpty else {
            self.kinds = Set(Kind.allCases)
            return
        }
        let object = try JSONObject(body: bytes)
        guard let value = object["resource_types"], let names = object.texts(value) else {
            throw .bodyInvalid("'resource_types' has to be an array of strings.")
        }
        self.kinds = Set(
            try names.map { name throws(Refusal) in
                guard let kind = Kind(rawValue: name) else {
                    let known = Kind.allCases.map(\.rawValue).joined(separator: " and ")
                    throw .bodyInvalid("'resource_types' may hold \(known) only.")
                }
                return kind
            })
    }
}
