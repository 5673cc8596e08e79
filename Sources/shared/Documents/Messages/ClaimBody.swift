package import Domain
package import JSON

/// The body of a claim that is made or updated: `{"ttl": 300, "grace": 60}`.
///
/// `null` counts as absent, and so does what is not known here: clients send parts of what they were shown.
package struct ClaimBody: Sendable, Equatable {
    /// Seconds, of any size: ranges are the operation's business.
    ///
    /// nil: not said.
    package private(set) var ttl: Int64?
    /// Seconds, of any size.
    ///
    /// nil: not said.
    package private(set) var grace: Int64?
    /// A number of messages some clients put here instead of into the query string.
    ///
    /// nil also when it is no integer: unlike the others it is a courtesy.
    package private(set) var limit: Int64?

    /// A claim that says nothing.
    package init() {}

    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        guard !bytes.isEmpty else { throw .bodyInvalid("The body has to be a JSON object.") }
        try self.init(try JSONObject(body: bytes))
    }

    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(_ object: JSONObject) throws(Refusal) {
        self.ttl = try Self.seconds("ttl", of: object)
        self.grace = try Self.seconds("grace", of: object)
        self.limit = object["limit"]?.integer
    }

    private static func seconds(_ name: String, of object: JSONObject) throws(Refusal) -> Int64? {
        guard let value = object[name] else { return nil }
        guard let seconds = value.integer else { throw .bodyInvalid("'\(name)' has to be an integer.") }
        return seconds
    }
}
