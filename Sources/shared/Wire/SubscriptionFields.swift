import Domain

/// What a subscription is made of, checked alike whether it is created or changed.
///
/// Of every field `null` means: not given.
enum SubscriptionFields {
    /// 9999-12-31T23:59:59, the last moment every client can spell.
    private static let endMax: Int64 = 253_402_300_799

    static func uri(_ value: JSONValue, in object: JSONObject) throws(Refusal) -> String {
        guard let uri = object.text(value), !uri.isEmpty else {
            throw .bodyInvalid("The subscriber has to be a string that is not empty.")
        }
        return uri
    }

    /// Seconds, at least 60; nil: not given.
    static func ttl(of object: JSONObject, now: Timestamp) throws(Refusal) -> Int? {
        guard let value = object["ttl"] else { return nil }
        guard let ttl = value.integer else { throw .requestInvalid("The ttl of a subscription must be an integer.") }
        guard ttl >= Limits.ttlMin else {
            throw .requestInvalid("The ttl of a subscription has to be at least \(Limits.ttlMin) seconds.")
        }
        guard ttl <= Self.endMax - now.seconds else {
            throw .requestInvalid("A subscription has to end before the year 10000.")
        }
        return Int(ttl)
    }

    /// The JSON object as it was written, what it says of the pace, and whether it holds a retry policy that says anything;
    /// nil: not given.
    static func options(
        of object: JSONObject
    ) throws(Refusal) -> (text: [UInt8], pace: Pace, hasRetryPolicy: Bool)? {
        guard let value = object["options"] else { return nil }
        guard let options = object.object(value) else {
            throw .requestInvalid("The options of a subscription must be a dict.")
        }
        for name in ["post_data", "from", "subject"] {
            guard let value = options[name] else { continue }
            guard let text = options.text(value) else {
                throw .requestInvalid("The option \(name) has to be a string.")
            }
            guard name == "post_data" || Self.isOneLine(text) else {
                throw .requestInvalid("The option \(name) may not hold a line break.")
            }
        }
        if let value = options["post_headers"] {
            try Self.checkHeaders(options.object(value))
        }
        var hasRetryPolicy = false
        if let value = options["_retry_policy"] {
            hasRetryPolicy = try RetryPolicyShape.read(value, in: options) != nil
        }
        return (Array(object.verbatim(value)), try PaceShape.read(options), hasRetryPolicy)
    }

    /// Headers a subscriber may not set: they frame the request, and ours would no longer be one.
    private static let framing = ["host", "content-length", "transfer-encoding", "connection"]

    private static func checkHeaders(_ headers: JSONObject?) throws(Refusal) {
        guard let headers else { throw .requestInvalid("The option post_headers has to be an object of strings.") }
        for member in headers.members {
            guard let text = headers.text(member.value) else {
                throw .requestInvalid("The option post_headers has to be an object of strings.")
            }
            guard Self.isOneLine(member.name), Self.isOneLine(text) else {
                throw .requestInvalid("The option post_headers may not hold a line break.")
            }
            guard !Self.framing.contains(member.name.lowercased()) else {
                throw .requestInvalid("The option post_headers may not set \(member.name).")
            }
        }
    }

    private static func isOneLine(_ text: String) -> Bool {
        !text.utf8.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 }
    }
}
