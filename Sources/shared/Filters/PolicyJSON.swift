import JSON

/// The JSON of a policy as it is read, with faults that name the place in the policy.
struct PolicyJSON {
    let bytes: [UInt8]
    private var reader = JSONReader()

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func peek(at pointer: String) throws(FilterPolicyInvalid) -> UInt8 {
        try self.read(at: pointer) { (reader, bytes) throws(JSONInvalid) in try reader.peek(in: bytes) }
    }

    mutating func openObject(at pointer: String) throws(FilterPolicyInvalid) {
        try self.read(at: pointer) { (reader, bytes) throws(JSONInvalid) in try reader.openObject(in: bytes) }
    }

    mutating func openArray(at pointer: String) throws(FilterPolicyInvalid) {
        try self.read(at: pointer) { (reader, bytes) throws(JSONInvalid) in try reader.openArray(in: bytes) }
    }

    /// The next name of the open object; nil: the object is closed.
    mutating func nextName(at pointer: String) throws(FilterPolicyInvalid) -> String? {
        let name = try self.read(at: pointer) { (reader, bytes) throws(JSONInvalid) in try reader.nextName(in: bytes) }
        return name.flatMap { self.text($0) }
    }

    mutating func nextElement(at pointer: String) throws(FilterPolicyInvalid) -> Bool {
        try self.read(at: pointer) { (reader, bytes) throws(JSONInvalid) in try reader.nextElement(in: bytes) }
    }

    mutating func value(at pointer: String) throws(FilterPolicyInvalid) -> JSONValue {
        try self.read(at: pointer) { (reader, bytes) throws(JSONInvalid) in try reader.value(in: bytes) }
    }

    /// Makes sure that nothing but white space is left.
    mutating func end() throws(FilterPolicyInvalid) {
        try self.read(at: "") { (reader, bytes) throws(JSONInvalid) in try reader.end(in: bytes) }
    }

    /// Reads a value that is wrong where it stands, for a fault of the JSON comes first.
    mutating func skip(at pointer: String) throws(FilterPolicyInvalid) {
        _ = try self.value(at: pointer)
    }

    /// The text of a string; nil for any other kind of value.
    func text(_ value: JSONValue) -> String? {
        JSONText.text(of: value, in: self.bytes.span)
    }

    /// Whether the value of a `$or` that comes next makes it an operator.
    ///
    /// It does when it is an array of at least two objects, none of which has the name of a condition among its keys. In all other
    /// cases SNS takes `$or` for a key like others.
    ///
    /// - Returns: True also when the value is no JSON, which shows when it is read.
    func isOr(at pointer: String) -> Bool {
        var ahead = self
        do throws(FilterPolicyInvalid) {
            guard try ahead.peek(at: pointer) == UInt8(ascii: "[") else { return false }
            var count = 0
            try ahead.openArray(at: pointer)
            while try ahead.nextElement(at: pointer) {
                guard try ahead.peek(at: pointer) == UInt8(ascii: "{") else { return false }
                try ahead.openObject(at: pointer)
                while let name = try ahead.nextName(at: pointer) {
                    guard FilterKeyword(rawValue: name) == nil else { return false }
                    try ahead.skip(at: pointer)
                }
                count += 1
            }
            return count >= 2
        } catch {
            return true
        }
    }

    private mutating func read<Result>(
        at pointer: String, _ read: (inout JSONReader, Span<UInt8>) throws(JSONInvalid) -> Result
    ) throws(FilterPolicyInvalid) -> Result {
        let bytes = self.bytes
        do throws(JSONInvalid) {
            return try read(&self.reader, bytes.span)
        } catch {
            throw Self.invalid(error, at: pointer)
        }
    }

    private static func invalid(_ fault: JSONInvalid, at pointer: String) -> FilterPolicyInvalid {
        // An integer beyond 64 bits is sound JSON, and no number of a policy.
        if fault.reason == .integerTooLarge { return FilterPolicyInvalid(.numberOutOfRange, at: pointer) }
        return FilterPolicyInvalid(.notJSON(fault), at: "")
    }
}
