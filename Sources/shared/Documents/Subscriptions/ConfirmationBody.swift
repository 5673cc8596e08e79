package import Domain
import JSON

/// The body that confirms a subscription or withdraws that: `{"confirmed": true}`.
package struct ConfirmationBody: Sendable, Equatable {
    package let isConfirmed: Bool

    /// Clients compare some of the texts of refusals.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``, ``Refusal/requestInvalid(_:)`` or ``Refusal/confirmationMissing``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        guard !bytes.isEmpty else { throw .confirmationMissing }
        let object: JSONObject?
        do {
            object = try JSONObject(document: bytes)
        } catch {
            throw .unparsable(error)
        }
        guard let object else { throw .bodyInvalid("Subscriptions must be a dict.") }
        guard let value = object.value(of: "confirmed") else { throw .confirmationMissing }
        guard let isConfirmed = value.boolean else { throw .requestInvalid("The 'confirmed' should be boolean.") }
        self.isConfirmed = isConfirmed
    }
}
