import Cryptography
package import Domain

/// The one secret of a deployment; the signing secrets of all subscriptions and the signing keys of all projects are derived from it and
/// stored nowhere.
///
/// It prints as a placeholder wherever it ends up.
package struct MasterKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package static let bytesMin = 32

    private let secrets: HKDF

    /// Reads the key of a setting: hexadecimal, or base64 in either alphabet with or without padding.
    ///
    /// A text of hexadecimal digits only is read as hexadecimal, although it would pass as base64 too.
    ///
    /// - Throws: ``MasterKeyInvalid`` when it is neither, or decodes to fewer than ``bytesMin`` bytes.
    package init(_ text: String) throws(MasterKeyInvalid) {
        self.secrets = HKDF(secret: try Self.bytes(of: text), salt: Array("herald".utf8))
    }

    /// The bytes of any key given in a setting.
    static func bytes(of text: String) throws(MasterKeyInvalid) -> [UInt8] {
        guard let bytes = Hexadecimal.decode(text) ?? Base64.decode(text) else { throw .unreadable }
        guard bytes.count >= Self.bytesMin else { throw .tooShort(bytes: bytes.count) }
        return bytes
    }

    /// The text of a new random key.
    package static func generate() -> String {
        Base64.encode(SecureRandom.bytes(Self.bytesMin))
    }

    /// The secret a subscription's webhooks are signed with.
    ///
    /// - Parameter version: From 1; counts the rotations of this subscription's secret.
    package func webhookSecret(project: ProjectID, subscription: SubscriptionID, version: Int) -> WebhookSecret {
        // Ids of subscriptions have one length and digits have no colon: the project may hold anything.
        let purpose = "webhook:\(version):\(subscription.text):\(project.text)"
        return WebhookSecret(bytes: self.secrets.key(for: Array(purpose.utf8), bytes: WebhookSecret.bytesCount))
    }

    /// The secrets of a subscription that count, as often as its secret was rotated.
    package func webhookSecrets(
        project: ProjectID, subscription: SubscriptionID, versions: SecretVersions
    ) -> WebhookSecrets {
        func secret(_ version: Int) -> WebhookSecret {
            self.webhookSecret(project: project, subscription: subscription, version: version)
        }
        let previous = versions.previousUntil.map {
            WebhookSecrets.Previous(secret: secret(versions.current - 1), until: $0)
        }
        return WebhookSecrets(current: secret(versions.current), previous: previous)
    }

    /// What webhooks of a project are signed with where receivers have only the public half.
    ///
    /// - Parameter version: From 1; counts the rotations of this project's key.
    package func signingKey(project: ProjectID, version: Int) -> WebhookSigningKey {
        // No purpose of another kind begins like this, and digits have no colon: the project may hold anything.
        let purpose = "webhook key:\(version):\(project.text)"
        return WebhookSigningKey(seed: self.secrets.key(for: Array(purpose.utf8), bytes: WebhookSigningKey.seedBytes))
    }

    /// The signing keys of a project that count, as often as its key was rotated.
    package func signingKeys(project: ProjectID, versions: SecretVersions) -> WebhookSigningKeys {
        let previous = versions.previousUntil.map {
            WebhookSigningKeys.Previous(
                key: self.signingKey(project: project, version: versions.current - 1), until: $0)
        }
        return WebhookSigningKeys(
            versions: versions, current: self.signingKey(project: project, version: versions.current),
            previous: previous)
    }

    /// A text that is the same for the same key, and from which the key cannot be found.
    package var fingerprint: String {
        Hexadecimal.encode(self.secrets.key(for: Array("fingerprint".utf8), bytes: 16))
    }

    /// The root of the keys message bodies are sealed with when no other is configured.
    var messageBodySecrets: HKDF {
        HKDF(
            secret: self.secrets.key(for: Array("message bodies".utf8), bytes: Self.bytesMin),
            salt: Array("herald message bodies".utf8))
    }

    /// The root of the keys of links in mails, which opens also where others are configured.
    var linkSecrets: HKDF {
        HKDF(
            secret: self.secrets.key(for: Array("links".utf8), bytes: Self.bytesMin), salt: Array("herald links".utf8))
    }

    package var description: String { "<master key>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text is no master key; the text itself is in none of the words.
package enum MasterKeyInvalid: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable
    case tooShort(bytes: Int)

    package var description: String {
        switch self {
        case .unreadable: "must be base64 or hexadecimal"
        case .tooShort(let bytes): "must hold at least \(MasterKey.bytesMin) bytes, and holds \(bytes)"
        }
    }
}
