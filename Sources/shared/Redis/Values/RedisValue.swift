/// One reply of Redis, or an element of one.
package enum RedisValue: Sendable, Equatable {
    /// No value: a missing key, or a blocking read that ended with nothing.
    case null
    case integer(Int64)
    /// Bulk and status replies alike, such as `OK`.
    case string([UInt8])
    case array([RedisValue])
    /// An error inside an array. At the top a call throws ``RedisError/refused(_:)`` instead.
    case error(RedisServerError)
}

extension RedisValue {
    package var isNull: Bool { self == .null }

    /// The bytes of a string; nil for anything else.
    package var bytes: [UInt8]? {
        if case .string(let bytes) = self { bytes } else { nil }
    }

    /// The text of a string; nil for anything else and for bytes that are not UTF-8.
    package var text: String? {
        if case .string(let bytes) = self { String(validating: bytes, as: UTF8.self) } else { nil }
    }

    /// The number of an integer, or of a string that spells one, as scores and hash fields do.
    package var int64: Int64? {
        switch self {
        case .integer(let number): number
        case .string: self.text.flatMap { Int64($0) }
        case .null, .array, .error: nil
        }
    }

    /// ``int64`` as an `Int`.
    package var int: Int? { self.int64.flatMap { Int(exactly: $0) } }

    /// The elements of an array; nil for anything else.
    package var array: [RedisValue]? {
        if case .array(let values) = self { values } else { nil }
    }
}
