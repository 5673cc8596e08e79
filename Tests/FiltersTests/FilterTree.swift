import Foundation
import JSON

/// A JSON document as a tree, for the evaluator that bodies are also held against in tests.
indirect enum FilterTree: Equatable {
    case object([(name: String, value: FilterTree)])
    case array([FilterTree])
    case text(String)
    /// Exact, as long as it has at most 38 digits.
    case number(Decimal)
    case boolean(Bool)
    case null

    init(_ bytes: [UInt8]) throws(JSONInvalid) {
        var reader = JSONReader()
        self = try FilterTree(&reader, bytes)
        try reader.end(in: bytes.span)
    }

    private init(_ reader: inout JSONReader, _ bytes: [UInt8]) throws(JSONInvalid) {
        switch try reader.peek(in: bytes.span) {
        case UInt8(ascii: "{"):
            var members: [(name: String, value: FilterTree)] = []
            try reader.openObject(in: bytes.span)
            while let name = try reader.nextName(in: bytes.span) {
                let name = JSONText.text(of: name, in: bytes.span) ?? ""
                let value = try FilterTree(&reader, bytes)
                members.removeAll { Array($0.name.utf8) == Array(name.utf8) }
                members.append((name, value))
            }
            self = .object(members)
        case UInt8(ascii: "["):
            var elements: [FilterTree] = []
            try reader.openArray(in: bytes.span)
            while try reader.nextElement(in: bytes.span) { elements.append(try FilterTree(&reader, bytes)) }
            self = .array(elements)
        default:
            let value = try reader.value(in: bytes.span)
            switch value.kind {
            case .string: self = .text(JSONText.text(of: value, in: bytes.span) ?? "")
            case .integer, .fraction:
                self = .number(Decimal(string: String(decoding: bytes[value.range], as: UTF8.self)) ?? .nan)
            case .boolean(let boolean): self = .boolean(boolean)
            case .null, .object, .array: self = .null
            }
        }
    }

    static func == (one: FilterTree, other: FilterTree) -> Bool {
        switch (one, other) {
        case (.object(let one), .object(let other)):
            one.elementsEqual(other) { $0.name == $1.name && $0.value == $1.value }
        case (.array(let one), .array(let other)): one == other
        case (.text(let one), .text(let other)): Array(one.utf8) == Array(other.utf8)
        case (.number(let one), .number(let other)): one == other
        case (.boolean(let one), .boolean(let other)): one == other
        case (.null, .null): true
        default: false
        }
    }

    subscript(_ name: String) -> FilterTree? {
        guard case .object(let members) = self else { return nil }
        return members.first { Array($0.name.utf8) == Array(name.utf8) }?.value
    }

    /// It alone, or of an array the elements at any depth.
    var elements: [FilterTree] {
        guard case .array(let elements) = self else { return [self] }
        return elements.flatMap(\.elements)
    }
}

extension FilterTree: CustomStringConvertible {
    var description: String {
        switch self {
        case .object(let members): "{\(members.map { "\($0.name): \($0.value)" }.joined(separator: ", "))}"
        case .array(let elements): "[\(elements.map(\.description).joined(separator: ", "))]"
        case .text(let text): text
        case .number(let number): "\(number)"
        case .boolean(let boolean): "\(boolean)"
        case .null: "null"
        }
    }

    /// A number that `Decimal` may not hold.
    var hasLongNumber: Bool {
        switch self {
        case .object(let members): members.contains { $0.value.hasLongNumber }
        case .array(let elements): elements.contains(where: \.hasLongNumber)
        case .number(let number): number.isNaN || number.significand > 1_000_000_000_000_000_000
        case .text, .boolean, .null: false
        }
    }
}
