package import Domain
import JSON

/// A trust: its trustee may act for its trustor in a project (Identity API v3, OS-TRUST).
package struct Trust: Sendable, Equatable {
    /// Bytes of an id; Keystone has columns of 64 characters.
    private static let idBytesMax = ValidatedToken.textBytesMax

    package let id: TrustID
    /// The ids of users, and of the project.
    package let trustor: String
    package let trustee: String
    package let project: String?
    /// Whether its tokens are those of the trustor, as often as they are asked for; otherwise they are the trustee's own, or soon none.
    package let isUsable: Bool

    /// Reads the body of an answer: `{"trust": {"id": …, "trustor_user_id": …, "trustee_user_id": …, "project_id": …, "impersonation":
    /// true, "remaining_uses": null}}`.
    ///
    /// - Returns: nil for what is no such document.
    init?(document bytes: [UInt8]) {
        guard let document = try? JSONObject(document: bytes), let trust = document["trust"].flatMap(document.object)
        else { return nil }
        let text = { (name: String) -> String? in
            guard let text = trust[name].flatMap(trust.text), (1...Self.idBytesMax).contains(text.utf8.count) else {
                return nil
            }
            return text
        }
        guard let id = text("id").flatMap(TrustID.init), let trustor = text("trustor_user_id"),
            let trustee = text("trustee_user_id")
        else { return nil }
        self.id = id
        self.trustor = trustor
        self.trustee = trustee
        self.project = text("project_id")
        self.isUsable = trust["impersonation"]?.boolean == true && trust["remaining_uses"] == nil
    }
}

/// What Keystone said when a trust was asked for.
package enum TrustCreation: Sendable, Equatable {
    case created(TrustID)
    /// Keystone refuses it, in its words.
    case refused(String)
}

/// A token of the user who gave a trust.
package struct TrustToken: Sendable {
    package let token: KeystoneToken
    package let expiry: Timestamp
}
