import Cryptography
package import Domain

/// The one secret of a deployment; the signing secrets of all subscriptions and the signing keys of all projects are derived from it and
/// stored nowhere.
///
/// While it is changed there are two: what either of them signs holds, so webhooks are signed with both, and what was sealed
/// with either of them opens (docs/operations.md, "Settings that must be the same everywhere").
///
/// It prints as a placeholder wherever it ends up.
package struct MasterKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package static let bytesMin = 32
    /// How many there may be while it is changed.
    package static let keysMax = 2

    private let secrets: HKDF
    /// The other one while it is changed.
    private let other: HKDF?

    /// Reads the keys of a setting: hexadecimal, or base64 in either alphabet with or without padding.
    ///
    /// A text of hexadecimal digits only is read as hexadecimal, although it would pass as base64 too.
    ///
    /// - Parameters:
    ///   - text: The key that counts where there can be only one.
    ///   - others: One more at most, while it is changed.
    /// - Throws: ``MasterKeyInvalid`` when a text is neither, or decodes to fewer than ``bytesMin`` bytes.
    package init(_ text: String, others: [String] = []) throws(MasterKeyInvalid) {
        guard others.count < Self.keysMax else { throw .tooMany(keys: 1 + others.count) }
        self.secrets = HKDF(secret: try Self.bytes(of: text), salt: Array("herald".utf8))
        self.other = try others.first.map { other throws(MasterKeyInvalid) in
            HKDF(secret: try Self.bytes(of: other), salt: Array("herald".utf8))
        }
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
        Self.webhookSecret(project: project, subscription: subscription, version: version, of: self.secrets)
    }

    private static func webhookSecret(
        project: ProjectID, subscription: SubscriptionID, version: Int, of secrets: HKDF
    ) -> WebhookSecret {
        // Ids of subscriptions have one length and digits have no colon: the project may hold anything.
        let purpose = "webhook:\(version):\(subscription.text):\(project.text)"
        return WebhookSecret(bytes: secrets.key(for: Array(purpose.utf8), bytes: WebhookSecret.bytesCount))
    }

    /// The secrets of a subscription that count, as often as its secret was rotated.
    package func webhookSecrets(
        project: ProjectID, subscription: SubscriptionID, versions: SecretVersions
    ) -> WebhookSecrets {
        func all(of root: HKDF, beside others: [WebhookSecrets] = []) -> WebhookSecrets {
            func secret(_ version: Int) -> WebhookSecret {
                Self.webhookSecret(project: project, subscription: subscription, version: version, of: root)
            }
            let previous = versions.previousUntil.map {
                WebhookSecrets.Previous(secret: secret(versions.current - 1), until: $0)
            }
            return WebhookSecrets(current: secret(versions.current), previous: previous, others: others)
        }
        return all(of: self.secrets, beside: self.other.map { [all(of: $0)] } ?? [])
    }

    /// What webhooks of a project are signed with where receivers have only the public half.
    ///
    /// - Parameter version: From 1; counts the rotations of this project's key.
    package func signingKey(project: ProjectID, version: Int) -> WebhookSigningKey {
        Self.signingKey(project: project, version: version, of: self.secrets)
    }

    private static func signingKey(project: ProjectID, version: Int, of secrets: HKDF) -> WebhookSigningKey {
        // No purpose of another kind begins like this, and digits have no colon: the project may hold anything.
        let purpose = "webhook key:\(version):\(project.text)"
        return WebhookSigningKey(seed: secrets.key(for: Array(purpose.utf8), bytes: WebhookSigningKey.seedBytes))
    }

    /// The signing keys of a project that count, as often as its key was rotated.
    package func signingKeys(project: ProjectID, versions: SecretVersions) -> WebhookSigningKeys {
        func all(of root: HKDF, beside others: [WebhookSigningKeys] = []) -> WebhookSigningKeys {
            func key(_ version: Int) -> WebhookSigningKey {
                Self.signingKey(project: project, version: version, of: root)
            }
            let previous = versions.previousUntil.map {
                WebhookSigningKeys.Previous(key: key(versions.current - 1), until: $0)
            }
            return WebhookSigningKeys(
                versions: versions, current: key(versions.current), previous: previous, others: others)
        }
        return all(of: self.secrets, beside: self.other.map { [all(of: $0)] } ?? [])
    }

    /// The keys, the first one first.
    private var all: [HKDF] { [self.secrets] + (self.other.map { [$0] } ?? []) }

    /// Of each key a text that is the same for the same key, and from which the key cannot be found.
    package var fingerprints: [String] {
        self.all.map { Hexadecimal.encode($0.key(for: Array("fingerprint".utf8), bytes: 16)) }
    }

    /// The roots of the keys message bodies are sealed with when no other is configured.
    var messageBodySecrets: [HKDF] {
        self.all.map { root in
            HKDF(
                secret: root.key(for: Array("message bodies".utf8), bytes: Self.bytesMin),
                salt: Array("herald message bodies".utf8))
        }
    }

    /// The roots of the keys of links in mails, which open also where others are configured.
    var linkSecrets: [HKDF] {
        self.all.map { root in
            HKDF(
                secret: root.key(for: Array("links".utf8), bytes: Self.bytesMin), salt: Array("herald links".utf8))
        }
    }

    package var description: String { "<master key>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text is no master key; the text itself is in none of the words.
package enum MasterKeyInvalid: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable
    case tooShort(bytes: Int)
    case tooMany(keys: Int)

    package var description: String {
        switch self {
        case .unreadable: "must be base64 or hexadecimal"
        case .tooShort(let bytes): "must hold at least \(MasterKey.bytesMin) bytes, and holds \(bytes)"
        case .tooMany(let keys): "must be one key, or two while it is changed, and is \(keys)"
        }
    }
}
