package import Domain
import JSON

/// The body of a pool put: `{"uri": "redis://…", "weight": 100, "flavor": "fast", "options": {…}}`.
package struct PoolBody: Sendable {
    package let uri: String
    package let weight: Int
    /// nil: none.
    package let label: String?
    /// A JSON object as it was written; `{}` when it was not.
    package let options: [UInt8]
    /// The options say that the pool keeps what it acknowledges.
    package let isDurable: Bool

    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        let object = try JSONObject(body: bytes)
        let names = Set(PoolFields.Name.allCases.map(\.rawValue))
        if let other = object.members.first(where: { !names.contains($0.name) }) {
            throw .bodyInvalid("A pool has no member \(other.name).")
        }
        guard let uri = try PoolFields.uri(of: object) else { throw .bodyInvalid("A pool needs a 'uri'.") }
        guard let weight = try PoolFields.weight(of: object) else { throw .bodyInvalid("A pool needs a 'weight'.") }
        self.uri = uri
        self.weight = weight
        self.label = try PoolFields.label(of: object) ?? nil
        let options = try PoolFields.options(of: object)
        self.options = options?.text ?? Array("{}".utf8)
        self.isDurable = options?.isDurable ?? false
    }
}

/// The body of a pool patch: at least one member of a pool; others are passed over.
package struct PoolPatch: Sendable {
    package let uri: String?
    package let weight: Int?
    /// nil: it stays; `.some(nil)`: it is taken away.
    package let label: String??
    package let options: (text: [UInt8], isDurable: Bool)?

    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        let object = try JSONObject(body: bytes)
        guard PoolFields.Name.allCases.contains(where: { object.value(of: $0.rawValue) != nil }) else {
            throw .bodyInvalid("The body has to have one of 'uri', 'weight', 'flavor' and 'options'.")
        }
        self.uri = try PoolFields.uri(of: object)
        self.weight = try PoolFields.weight(of: object)
        self.label = try PoolFields.label(of: object)
        self.options = try PoolFields.options(of: object)
    }
}

/// What a pool is made of, checked alike whether it is put or changed; nil: not given.
package enum PoolFields {
    enum Name: String, CaseIterable {
        case uri, weight, flavor, options
    }

    static func uri(of object: JSONObject) throws(Refusal) -> String? {
        guard let value = object.value(of: Name.uri.rawValue) else { return nil }
        guard let uri = object.text(value), Self.isShort(uri) else {
            throw .bodyInvalid("'uri' has to be a text of at most \(StoragePool.textMax) characters.")
        }
        return uri
    }

    static func weight(of object: JSONObject) throws(Refusal) -> Int? {
        guard let value = object.value(of: Name.weight.rawValue) else { return nil }
        guard let weight = value.integer.flatMap({ Int(exactly: $0) }), StoragePool.weightRange.contains(weight) else {
            throw .bodyInvalid(
                "'weight' has to be a whole number from 0 through \(StoragePool.weightRange.upperBound).")
        }
        return weight
    }

    /// - Returns: `.some(nil)` for a label that is empty or `null`.
    static func label(of object: JSONObject) throws(Refusal) -> String?? {
        guard let value = object.value(of: Name.flavor.rawValue) else { return nil }
        guard value.kind != .null else { return .some(nil) }
        guard let label = object.text(value), Self.isShort(label) else {
            throw .bodyInvalid("'flavor' has to be a text of at most \(StoragePool.textMax) characters.")
        }
        return .some(label.isEmpty ? nil : label)
    }

    static func options(of object: JSONObject) throws(Refusal) -> (text: [UInt8], isDurable: Bool)? {
        guard let value = object.value(of: Name.options.rawValue) else { return nil }
        guard let options = object.object(value) else { throw .bodyInvalid("'options' has to be an object.") }
        return (Array(object.verbatim(value)), options["durable"]?.boolean ?? false)
    }

    /// Whether options that are stored say that the pool keeps what it acknowledges.
    package static func isDurable(options bytes: [UInt8]) -> Bool {
        // What is stored was read once already.
        (try? JSONObject(document: bytes))?["durable"]?.boolean ?? false
    }

    private static func isShort(_ text: String) -> Bool {
        text.unicodeScalars.count <= StoragePool.textMax && !text.unicodeScalars.contains { $0.value < 0x20 }
    }
}
