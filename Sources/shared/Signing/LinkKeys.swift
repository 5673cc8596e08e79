import Cryptography
package import Domain

/// Seals the tokens of links in mails, and opens them: their holder can neither read nor change them.
///
/// ```
/// text      base64url without padding of: nonce 12 bytes │ cipher text │ tag 16 bytes
/// nonce     the first 12 bytes of HMAC-SHA256(nonce key, plain text)
/// cipher    AES-256-GCM under the cipher key
/// plain     version u8 = 1 │ purpose u8 │ expiry i64, s, 0 for none │ mark of the address 12 bytes │ id 27 bytes
///           │ bytes of the queue's name u8 │ name │ project
/// keys      HKDF(root, "link cipher"), HKDF(root, "link nonce"), HKDF(root, "bounce mark")
/// root      HKDF(master key, "links"), or one of further keys
/// ```
///
/// The nonce follows from the text, so that every attempt of a delivery sends the same mail. Two texts have one nonce with a
/// probability of 2^-96 each.
///
/// They also make the marks by which bounces are found: the first 80 bits of HMAC-SHA256(mark key, id │ mark of the address).
package struct LinkKeys: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Bytes of the longest project whose links fit into a header field of a mail.
    package static let projectBytesMax = 384
    /// Characters of the longest token.
    package static let textMax = (Self.plainBytesMax + AES256GCM.nonceBytes + AES256GCM.tagBytes) * 4 / 3 + 1
    /// Further keys.
    package static let keysMax = 16

    private static let version: UInt8 = 1
    private static let idBytes = 27
    private static let headBytes = 1 + 1 + 8 + AddressMark.bytesCount + Self.idBytes + 1
    private static let plainBytesMax = Self.headBytes + QueueName.charactersMax + Self.projectBytesMax

    /// Newest first: the first one seals, every one opens.
    private let roots: [Root]

    /// - Parameter keys: Newest first. What is derived from the master key always comes last, so links sent before there
    ///   were others go on working; without others it is what seals.
    package init(masterKey: MasterKey, keys: [LinkKey] = []) {
        self.roots = keys.map { Root(secrets: $0.secrets) } + masterKey.linkSecrets.map { Root(secrets: $0) }
    }

    /// The token of a link.
    ///
    /// - Returns: nil when the project has more than ``projectBytesMax`` bytes.
    package func seal(_ token: LinkToken) -> String? {
        guard token.queue.project.text.utf8.count <= Self.projectBytesMax else { return nil }
        var plain: [UInt8] = [Self.version, token.purpose.rawValue]
        let expiry = token.expiry ?? 0
        for shift in stride(from: 56, through: 0, by: -8) { plain.append(UInt8(truncatingIfNeeded: expiry >> shift)) }
        plain += token.address.bytes
        plain += token.subscription.text.utf8
        plain.append(UInt8(token.queue.name.text.utf8.count))
        plain += token.queue.name.text.utf8
        plain += token.queue.project.text.utf8
        let root = self.roots[0]
        var sealed = root.nonce(of: plain)
        AES256GCM.seal(plain.span, key: root.cipherKey, nonce: sealed[...], associated: [], into: &sealed)
        return Base64.encodeForURL(sealed)
    }

    /// Reads a token that was sealed here for this purpose.
    ///
    /// - Parameter text: As it came; only the exact text will do.
    /// - Throws: ``LinkTokenInvalid``.
    package func open(_ text: String, for purpose: LinkToken.Purpose, at now: Timestamp) throws(LinkTokenInvalid)
        -> LinkToken
    {
        guard text.utf8.count <= Self.textMax, let sealed = Base64.decode(text),
            sealed.count > AES256GCM.nonceBytes + AES256GCM.tagBytes, Base64.encodeForURL(sealed).hasSameBytes(as: text)
        else { throw .forged }
        let nonce = Array(sealed.prefix(AES256GCM.nonceBytes))
        for root in self.roots {
            let plain = AES256GCM.open(
                sealed.span.extracting(AES256GCM.nonceBytes...), key: root.cipherKey, nonce: nonce, associated: [])
            guard let plain else { continue }
            guard ConstantTime.equal(root.nonce(of: plain), nonce), let token = Self.token(plain),
                token.purpose == purpose
            else { throw .forged }
            guard !token.isExpired(at: now) else { throw .expired }
            return token
        }
        throw .forged
    }

    /// The mark of mails to an address.
    ///
    /// - Parameter address: The subscriber, as the subscription has it.
    package func bounceMark(of subscription: SubscriptionID, sentTo address: String) -> BounceMark {
        BounceMark(subscription, tag: self.roots[0].tag(of: subscription, sentTo: address))
    }

    /// Whether a mark was made here, for a mail to this address.
    ///
    /// - Parameter address: The subscriber, as the subscription has it.
    package func isGenuine(_ mark: BounceMark, sentTo address: String) -> Bool {
        self.roots.contains { ConstantTime.equal($0.tag(of: mark.subscription, sentTo: address), mark.tag) }
    }

    private static func token(_ plain: [UInt8]) -> LinkToken? {
        guard plain.count > Self.headBytes, plain[0] == Self.version,
            let purpose = LinkToken.Purpose(rawValue: plain[1])
        else { return nil }
        var expiry: Int64 = 0
        for byte in plain[2..<10] { expiry = expiry << 8 | Int64(byte) }
        let mark = plain[10..<10 + AddressMark.bytesCount]
        let id = plain[mark.endIndex..<mark.endIndex + Self.idBytes]
        let nameBytes = Int(plain[id.endIndex])
        let rest = plain[(id.endIndex + 1)...]
        guard rest.count > nameBytes, let subscription = SubscriptionID(String(decoding: id, as: UTF8.self)),
            let name = try? QueueName(String(decoding: rest.prefix(nameBytes), as: UTF8.self)),
            let project = try? ProjectID(String(decoding: rest.dropFirst(nameBytes), as: UTF8.self))
        else { return nil }
        return LinkToken(
            purpose, of: subscription, in: QueueAddress(project: project, name: name),
            sentTo: AddressMark(bytes: mark), expiry: expiry == 0 ? nil : expiry)
    }

    package var description: String { "<\(self.roots.count) keys of links>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: ["keys": self.roots.count]) }

    private struct Root: Sendable {
        let cipherKey: [UInt8]
        private let nonces: KeyedMAC
        private let marks: KeyedMAC

        init(secrets: HKDF) {
            self.cipherKey = secrets.key(for: Array("link cipher".utf8), bytes: AES256GCM.keyBytes)
            self.nonces = KeyedMAC(hmacSHA256: secrets.key(for: Array("link nonce".utf8), bytes: 32))
            self.marks = KeyedMAC(hmacSHA256: secrets.key(for: Array("bounce mark".utf8), bytes: 32))
        }

        func tag(of subscription: SubscriptionID, sentTo address: String) -> [UInt8] {
            let input = Array(subscription.text.utf8) + AddressMark(of: address).bytes
            return Base32.encode(self.marks.tag(input).prefix(10))
        }

        func nonce(of plain: [UInt8]) -> [UInt8] { Array(self.nonces.tag(plain).prefix(AES256GCM.nonceBytes)) }
    }
}

/// A further key for links, beside that of the master key; its description hides it.
package struct LinkKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let secrets: HKDF

    /// Reads hexadecimal or base64, as ``MasterKey`` does.
    package init(_ text: String) throws(MasterKeyInvalid) {
        self.secrets = HKDF(secret: try MasterKey.bytes(of: text), salt: Array("herald links".utf8))
    }

    /// Names it; the key cannot be found from it.
    package var id: String { Hexadecimal.encode(self.secrets.key(for: Array("key id".utf8), bytes: 4)) }

    package var description: String { "<key of links>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
