package import Domain
import JSON
import Signing

/// What Keystone says of a token that holds (Identity API v3, "Validate and show information for token").
package struct ValidatedToken: Sendable, Equatable {
    /// Roles, and access rules, that one token may have.
    static let itemsMax = 1024
    /// Bytes of an id or a name; Keystone has columns of 64 and 255 characters.
    static let textBytesMax = 1024

    /// The ids of the user and of what it is scoped to; nil: it is not scoped to that.
    package let user: String
    package let project: String?
    package let domain: String?
    package let isSystemScoped: Bool
    /// Their names, in lower case.
    package let roles: Set<String>
    /// The same as Keystone spells them.
    package let roleNames: [String]
    package let expiry: Timestamp
    /// The only requests it is for; nil: all.
    package let accessRules: [AccessRule]?

    package init(
        user: String, project: String? = nil, domain: String? = nil, isSystemScoped: Bool = false,
        roles: [String] = [], expiry: Timestamp, accessRules: [AccessRule]? = nil
    ) {
        self.user = user
        self.project = project
        self.domain = domain
        self.isSystemScoped = isSystemScoped
        self.roles = Set(roles.map { $0.lowercased() })
        self.roleNames = roles
        self.expiry = expiry
        self.accessRules = accessRules
    }

    /// Reads the body of an answer: `{"token": {"user": {"id": …}, "expires_at": …, …}}`.
    ///
    /// What it does not know is allowed, and what it knows has to have the right shape: an answer that is only half understood
    /// admits no request.
    ///
    /// - Returns: nil for what is no such document.
    package init?(document bytes: [UInt8]) {
        // Whatever is wrong with it, it admits no request.
        guard let token = try? TokenReader(document: bytes).token else { return nil }
        self = token
    }
}

/// Takes a token apart.
private struct TokenReader {
    private struct Malformed: Error {}

    private let object: JSONObject

    init(document bytes: [UInt8]) throws {
        guard let document = try JSONObject(document: bytes), let token = document["token"].flatMap(document.object)
        else { throw Malformed() }
        self.object = token
    }

    var token: ValidatedToken {
        get throws {
            guard let expires = self.object["expires_at"].flatMap(self.object.text),
                let expiry = SignedURLExpiry(expires),
                let user = try self.id(of: "user")
            else { throw Malformed() }
            return ValidatedToken(
                user: user, project: try self.id(of: "project"), domain: try self.id(of: "domain"),
                isSystemScoped: try self.member("system")?["all"]?.boolean == true, roles: try self.roles,
                expiry: Timestamp(milliseconds: expiry.seconds * 1000), accessRules: try self.accessRules)
        }
    }

    /// nil when there is no such member.
    private func member(_ name: String) throws -> JSONObject? {
        guard let value = self.object[name] else { return nil }
        guard let object = self.object.object(value) else { throw Malformed() }
        return object
    }

    private func id(of name: String) throws -> String? { try self.member(name).map { try self.text("id", of: $0) } }

    /// A text that is there, is not empty, and has a bounded length.
    private func text(_ name: String, of object: JSONObject) throws -> String {
        guard let text = object[name].flatMap(object.text), (1...ValidatedToken.textBytesMax).contains(text.utf8.count)
        else { throw Malformed() }
        return text
    }

    /// The objects of an array; nil when there is none.
    private func objects(_ name: String, of object: JSONObject) throws -> [JSONObject]? {
        guard let value = object[name] else { return nil }
        guard let items = object.elements(value), items.count <= ValidatedToken.itemsMax else { throw Malformed() }
        return try items.map { item in
            guard let item = object.object(item) else { throw Malformed() }
            return item
        }
    }

    private var roles: [String] {
        get throws {
            try (self.objects("roles", of: self.object) ?? []).map { try self.text("name", of: $0) }
        }
    }

    private var accessRules: [AccessRule]? {
        get throws {
            guard let credential = try self.member("application_credential") else { return nil }
            return try self.objects("access_rules", of: credential)?.map { rule in
                AccessRule(
                    service: try self.text("service", of: rule), method: try self.text("method", of: rule),
                    path: try self.text("path", of: rule))
            }
        }
    }
}
