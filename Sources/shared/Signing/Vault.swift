import Cryptography
package import Domain

/// Seals message bodies at rest, so that a reader of the store cannot read them (docs/api.md, "Queues", `_enable_encrypt_messages`).
///
/// ```
/// sealed body   version u8 = 1 │ key id 4 bytes │ nonce 12 bytes │ cipher text │ tag 16 bytes
/// cipher        AES-256-GCM under the queue's key; version, key id, project and queue are bound to it
/// queue's key   HKDF(root key, "message body:" + project and queue)
/// root key      HKDF(master key, "message bodies"), or one of the setting `message.encryption.keys`
/// ```
///
/// A nonce is random, and random nonces of 96 bits are safe for 2^32 texts of one key (SP 800-38D, 8.3): with a key for
/// each queue that is a bound on a queue, not on the deployment.
///
/// A body opens only in the queue it was sealed for. Its position there is not bound, because it is not known before the
/// store has assigned it: a process that can write to the store can exchange two sealed bodies of one queue, not read or
/// change them. The length of a body is not hidden.
package struct Vault: Sendable {
    private static let version: UInt8 = 1
    private static let keyIDBytes = 4
    private static let headBytes = 1 + Self.keyIDBytes + AES256GCM.nonceBytes

    /// What a sealed body is longer than its plain text.
    package static let overheadBytes = Self.headBytes + AES256GCM.tagBytes

    /// Newest first: the first one seals, every one opens.
    private let roots: [Root]

    /// - Parameter keys: Newest first. What is derived from the master key always comes last, so bodies sealed before
    ///   there were others stay readable; without others it is what seals.
    package init(masterKey: MasterKey, keys: [VaultKey] = []) {
        self.roots =
            keys.map { Root(secrets: $0.secrets) }
            + masterKey.messageBodySecrets.map { Root(secrets: $0) }
    }

    /// Seals a body for a queue.
    package func seal(_ body: Span<UInt8>, for queue: QueueAddress) -> [UInt8] {
        let root = self.roots[0]
        var sealed: [UInt8] = []
        sealed.reserveCapacity(body.count + Self.overheadBytes)
        sealed.append(Self.version)
        sealed += root.id
        sealed += SecureRandom.bytes(AES256GCM.nonceBytes)
        AES256GCM.seal(
            body, key: root.key(of: queue), nonce: sealed[(1 + Self.keyIDBytes)...],
            associated: Self.associated(root, queue), into: &sealed)
        return sealed
    }

    /// The body that was sealed for a queue.
    package func open(_ sealed: Span<UInt8>, of queue: QueueAddress) throws(VaultError) -> [UInt8] {
        guard sealed.count >= Self.overheadBytes else { throw .truncated }
        guard sealed[0] == Self.version else { throw .unknownVersion(sealed[0]) }
        let head = sealed.withUnsafeBufferPointer { Array($0.prefix(Self.headBytes)) }
        let id = Array(head[1...Self.keyIDBytes])
        let nonce = Array(head[(1 + Self.keyIDBytes)...])
        // An id of four bytes may, once in a long while, stand for two keys.
        let candidates = self.roots.filter { $0.id == id }
        guard !candidates.isEmpty else { throw .unknownKey(id: Hexadecimal.encode(id)) }
        for root in candidates {
            let body = AES256GCM.open(
                sealed.extracting(Self.headBytes...), key: root.key(of: queue), nonce: nonce,
                associated: Self.associated(root, queue))
            if let body { return body }
        }
        throw .forged
    }

    fileprivate static func keyID(of secrets: HKDF) -> [UInt8] {
        secrets.key(for: Array("key id".utf8), bytes: Self.keyIDBytes)
    }

    private static func associated(_ root: Root, _ queue: QueueAddress) -> [UInt8] {
        [Self.version] + root.id + Array(queue.key.utf8)
    }

    /// A key that seals nothing itself: it has an id, and a key for every queue.
    private struct Root: Sendable {
        let id: [UInt8]
        private let secrets: HKDF

        init(secrets: HKDF) {
            self.secrets = secrets
            self.id = Vault.keyID(of: secrets)
        }

        func key(of queue: QueueAddress) -> [UInt8] {
            self.secrets.key(for: Array("message body:\(queue.key)".utf8), bytes: AES256GCM.keyBytes)
        }
    }
}

/// A key of the setting `message.encryption.keys`; it prints as a placeholder.
package struct VaultKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let secrets: HKDF

    /// Reads hexadecimal or base64, as ``MasterKey`` does.
    package init(_ text: String) throws(MasterKeyInvalid) {
        self.secrets = HKDF(secret: try MasterKey.bytes(of: text), salt: Array("herald message bodies".utf8))
    }

    /// Names it, as sealed bodies do; the key cannot be found from it.
    package var id: String { Hexadecimal.encode(Vault.keyID(of: self.secrets)) }

    package var description: String { "<key of message bodies>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a sealed body does not open.
///
/// Nothing of its content is in the words.
package enum VaultError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Fewer bytes than any sealed body has.
    case truncated
    /// Sealed by a later version of this deployment, or nothing sealed at all.
    case unknownVersion(UInt8)
    /// Sealed with a key that is no longer among the configured ones; its id in hexadecimal.
    case unknownKey(id: String)
    /// Not what was sealed for this queue: a bit was changed, or it belongs elsewhere.
    case forged

    package var description: String {
        switch self {
        case .truncated: "the sealed body is cut short"
        case .unknownVersion(let version): "the sealed body has the unknown version \(version)"
        case .unknownKey(let id): "the key \(id) of the sealed body is not configured"
        case .forged: "the sealed body was changed, or belongs to another queue"
        }
    }
}
