package import Domain
import JSON

/// Reads the option of a subscription that says how its webhooks are signed: `{"_signature": "v1a"}`.
enum SignatureOption {
    static let name = "_signature"

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func read(_ options: JSONObject) throws(Refusal) -> SignatureSchemes {
        guard let value = options[Self.name] else { return .symmetric }
        guard let schemes = options.text(value).flatMap(SignatureSchemes.init(rawValue:)) else {
            let all = SignatureSchemes.allCases.map { "\"\($0.rawValue)\"" }
            throw .requestInvalid("The option \(Self.name) has to be one of \(all.joined(separator: ", ")).")
        }
        return schemes
    }
}

extension SignatureSchemes {
    /// What says so among the options of a subscription.
    package static let optionName = SignatureOption.name

    /// Refuses what a subscriber cannot have that is sent no webhooks.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package func check(for destination: Destination) throws(Refusal) {
        guard self.includesAsymmetric, destination != .webhook else { return }
        throw .requestInvalid("The option \(Self.optionName) is for subscribers that are sent webhooks.")
    }
}
