import Domain
import Signing
import Testing

/// Two master keys while one takes the place of the other.
struct MasterKeyChangeTests {
    private static let (old, new) = (String(repeating: "1a", count: 32), String(repeating: "2b", count: 32))
    private let now = Timestamp(milliseconds: 1_700_000_000_000)
    private let body = Array(#"{"a":1}"#.utf8)

    private func subscription() throws -> SubscriptionID {
        try #require(SubscriptionID(String(repeating: "0", count: 27)))
    }

    private func signatures(_ key: MasterKey, _ versions: SecretVersions = .first) throws -> [[String]] {
        let project = try ProjectID("p")
        let secrets = key.webhookSecrets(project: project, subscription: try self.subscription(), versions: versions)
        let keys = key.signingKeys(project: project, versions: versions)
        return [
            secrets.signature(id: "1", at: self.now, body: self.body.span),
            keys.signature(id: "1", at: self.now, body: self.body.span),
        ].map { $0.split(separator: " ").map(String.init) }
    }

    @Test func `Webhooks are signed with both, and each one's previous version, the first key first`() throws {
        let until = Timestamp(milliseconds: self.now.milliseconds + 1)
        for versions in [SecretVersions.first, SecretVersions(current: 3, previousUntil: until)] {
            let one = try self.signatures(MasterKey(Self.new), versions)
            let other = try self.signatures(MasterKey(Self.old), versions)
            let both = try self.signatures(MasterKey(Self.new, others: [Self.old]), versions)
            for index in both.indices { #expect(both[index] == one[index] + other[index]) }
        }
    }

    @Test func `What is shown to subscribers is of the first one`() throws {
        let (project, subscription) = (try ProjectID("p"), try self.subscription())
        let both = try MasterKey(Self.new, others: [Self.old])
        let new = try MasterKey(Self.new)
        #expect(
            both.webhookSecret(project: project, subscription: subscription, version: 1).text
                == new.webhookSecret(project: project, subscription: subscription, version: 1).text)
        #expect(
            both.signingKey(project: project, version: 1).publicKey
                == new.signingKey(project: project, version: 1).publicKey)
        #expect(both.fingerprints == new.fingerprints + (try MasterKey(Self.old)).fingerprints)
    }

    @Test func `Bodies and links that either of them sealed open, and the first one seals`() throws {
        let both = try MasterKey(Self.new, others: [Self.old])
        let (old, new) = (try MasterKey(Self.old), try MasterKey(Self.new))
        let queue = QueueAddress(project: try ProjectID("p"), name: try QueueName("q"))
        for key in [old, new] {
            let sealed = Vault(masterKey: key).seal(self.body.span, for: queue)
            #expect(try Vault(masterKey: both).open(sealed.span, of: queue) == self.body)
        }
        let sealed = Vault(masterKey: both).seal(self.body.span, for: queue)
        #expect(try Vault(masterKey: new).open(sealed.span, of: queue) == self.body)
        #expect(throws: VaultError.self) { try Vault(masterKey: old).open(sealed.span, of: queue) }

        let token = LinkToken(
            .confirm, of: try self.subscription(), in: queue, sentTo: "mailto:a@example.org", expiry: nil)
        for key in [old, new] {
            let text = try #require(LinkKeys(masterKey: key).seal(token))
            #expect(try LinkKeys(masterKey: both).open(text, for: .confirm, at: self.now) == token)
        }
        let text = try #require(LinkKeys(masterKey: both).seal(token))
        #expect(try LinkKeys(masterKey: new).open(text, for: .confirm, at: self.now) == token)
        let mark = LinkKeys(masterKey: old).bounceMark(of: try self.subscription(), sentTo: "mailto:a@example.org")
        #expect(LinkKeys(masterKey: both).isGenuine(mark, sentTo: "mailto:a@example.org"))
    }

    @Test func `Each of them is checked, and there are no more than two`() {
        #expect(throws: MasterKeyInvalid.tooShort(bytes: 4)) { try MasterKey(Self.new, others: ["00010203"]) }
        #expect(throws: MasterKeyInvalid.tooMany(keys: 3)) {
            try MasterKey(Self.new, others: [Self.old, Self.old])
        }
    }
}
