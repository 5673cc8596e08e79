package import Domain
import JSON

/// The body that rotates the secret of a subscription or the signing key of a project: `{"overlap": 86400}`, or nothing.
package struct SecretRotationBody: Sendable, Equatable {
    /// A day: every receiver has been deployed once until then.
    package static let overlapDefault = 86_400
    /// A month.
    package static let overlapMax = 2_592_000

    /// Seconds the secret or key before goes on counting; 0: it ends at once, as for one that leaked.
    package let overlap: Int

    /// - Throws: ``Refusal/bodyInvalid(_:)`` or ``Refusal/requestInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        let object = try JSONObject(bodyIfAny: bytes)
        if let unknown = object.members.first(where: { $0.name != "overlap" }) {
            throw .requestInvalid("The body has an unknown member: \(unknown.name).")
        }
        guard let value = object["overlap"] else {
            self.overlap = Self.overlapDefault
            return
        }
        guard let overlap = value.integer, (0...Int64(Self.overlapMax)).contains(overlap) else {
            throw .requestInvalid("The overlap has to be a whole number of seconds, 0 to \(Self.overlapMax).")
        }
        self.overlap = Int(overlap)
    }
}
