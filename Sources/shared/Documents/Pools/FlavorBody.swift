package import Domain
import JSON

/// The body of a flavor put or patch: `{"pool_list": ["p1", "p2"]}`.
package struct FlavorBody: Sendable {
    /// At least one; whether there are such pools is not known here.
    package let pools: [String]

    /// Reads the body of a put, which may have `capabilities` that count for nothing, and no other member.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(put bytes: [UInt8]) throws(Refusal) {
        let object = try JSONObject(body: bytes)
        if let other = object.members.first(where: { $0.name != Self.list && $0.name != "capabilities" }) {
            throw .bodyInvalid("A flavor has no member \(other.name).")
        }
        if let capabilities = object.value(of: "capabilities"), capabilities.kind != .object {
            throw .bodyInvalid("'capabilities' has to be an object.")
        }
        try self.init(object)
    }

    /// Reads the body of a patch; other members are passed over.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(patch bytes: [UInt8]) throws(Refusal) {
        try self.init(try JSONObject(body: bytes))
    }

    private static let list = "pool_list"

    private init(_ object: JSONObject) throws(Refusal) {
        guard let value = object.value(of: Self.list), let pools = object.texts(value), !pools.isEmpty else {
            throw .bodyInvalid("'\(Self.list)' has to be an array of names of pools, at least one.")
        }
        self.pools = pools
    }
}
