/// The public part of an API key, by which operators name it: 12 characters of Crockford's base 32.
package struct APIKeyID: TextIdentity {
    package static let characters = 12

    package let text: String

    /// - Returns: nil for a text that is none.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == Self.characters, Base32.isSpelled(text.utf8) else { return nil }
        self.text = String(text)
    }

    /// - Parameter random: Eight bytes that cannot be guessed.
    package init(random: [UInt8]) {
        self.text = String(decoding: Base32.encode(random[...]).prefix(Self.characters), as: UTF8.self)
    }
}

/// An API key as its holder sends it: `hk_<id>_<secret>`.
package struct APIKeyToken: Sendable {
    /// What every key begins with, so that scanners find one where it should not be.
    package static let prefix = "hk_"
    /// Random bytes of a secret: 160 bits, so that its plain digest can be stored.
    package static let secretBytes = 20
    private static let secretCharacters = 32

    package let id: APIKeyID
    /// 32 characters of Crockford's base 32.
    package let secret: String

    /// - Returns: nil for a text that is none.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let rest = text.dropFirst(Self.prefix.count)
        guard rest.utf8.count == APIKeyID.characters + 1 + Self.secretCharacters,
            let id = APIKeyID(rest.prefix(APIKeyID.characters)), rest.dropFirst(APIKeyID.characters).first == "_"
        else { return nil }
        let secret = rest.suffix(Self.secretCharacters)
        guard Base32.isSpelled(secret.utf8) else { return nil }
        self.id = id
        self.secret = String(secret)
    }

    /// - Parameter random: ``secretBytes`` bytes that cannot be guessed.
    package init(_ id: APIKeyID, random: [UInt8]) {
        precondition(random.count == Self.secretBytes, "the secret of a key is made of \(Self.secretBytes) bytes")
        self.id = id
        self.secret = String(decoding: Base32.encode(random[...]), as: UTF8.self)
    }

    package var text: String { "\(Self.prefix)\(self.id.text)_\(self.secret)" }
}

/// What the holder of a key may do with queues and messages, in the words of the command line.
package enum APIKeyVerb: String, Sendable, Hashable, CaseIterable {
    case post, list, get, delete, claim, subscribe, inspect, manage, administer
}

/// Some queues of a project: a name, or what names begin with and `*`.
package struct QueuePattern: Sendable, Hashable {
    package let text: String

    /// - Returns: nil for a text that is none.
    package init?(_ text: String) {
        let name = text.hasSuffix("*") ? String(text.dropLast()) : text
        guard text == "*" || (try? QueueName(name)) != nil else { return nil }
        self.text = text
    }

    /// Whether ``stem`` is what names begin with.
    package var isPrefix: Bool { self.text.hasSuffix("*") }
    /// The name, or what names begin with; empty for all.
    package var stem: Substring { self.isPrefix ? self.text.dropLast() : self.text[...] }

    package func matches(_ queue: QueueName) -> Bool {
        self.isPrefix ? queue.text.hasPrefix(self.stem) : queue.text == self.stem
    }
}

/// What a key is restricted to within its project and roles; empty for nothing.
package struct APIKeyScope: Sendable, Hashable {
    package let queues: [QueuePattern]
    package let verbs: Set<APIKeyVerb>

    package init(queues: [QueuePattern] = [], verbs: Set<APIKeyVerb> = []) {
        self.queues = queues
        self.verbs = verbs
    }
}

/// An API key: who its holder acts for, and until when.
package struct APIKey: Sendable {
    /// Keys of one project.
    package static let countMax = 1_000
    /// Characters of ``label``.
    package static let labelCharactersMax = 128
    /// What ``queues`` of a scope, and ``roles``, may be at most.
    package static let listMax = 32

    package let id: APIKeyID
    package let project: ProjectID
    /// In lower case, at least one.
    package let roles: Set<String>
    package let scope: APIKeyScope
    /// For people; may be empty.
    package let label: String
    package let created: Timestamp
    /// nil: it ends when it is revoked.
    package let expires: Timestamp?
    /// When it was used last, some ten minutes ago at most, or earlier; nil: never.
    package var used: Timestamp?
    /// Until when the secret before the last rotation counts; nil: there is none.
    package var overlapEnds: Timestamp?

    package init(
        id: APIKeyID, project: ProjectID, roles: Set<String>, scope: APIKeyScope, label: String, created: Timestamp,
        expires: Timestamp?, used: Timestamp? = nil, overlapEnds: Timestamp? = nil
    ) {
        self.id = id
        self.project = project
        self.roles = roles
        self.scope = scope
        self.label = label
        self.created = created
        self.expires = expires
        self.used = used
        self.overlapEnds = overlapEnds
    }
}
