import Glibc

/// The name of a tenant, a queue, a message and the like: two are equal only when their UTF-8 bytes are.
///
/// `String` compares by canonical equivalence, so `é` in one and in two scalars would be one project to a dictionary and two
/// to Redis. Every type of identity conforms to this, so that caches, maps and keys agree.
package protocol TextIdentity: Hashable, Sendable, CustomStringConvertible {
    var text: String { get }
}

extension TextIdentity {
    package static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }
    package func hash(into hasher: inout Hasher) { self.text.hashBytes(into: &hasher) }
    package var description: String { self.text }
}

extension String {
    /// Whether both have the same UTF-8 bytes; `==` asks for canonical equivalence only.
    package func hasSameBytes(as other: String) -> Bool {
        var (left, right) = (self, other)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                guard left.count == right.count else { return false }
                guard let left = left.baseAddress, let start = right.baseAddress else { return true }
                return memcmp(left, start, right.count) == 0
            }
        }
    }

    /// Feeds what ``hasSameBytes(as:)`` compares.
    package func hashBytes(into hasher: inout Hasher) {
        var text = self
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // A byte that UTF-8 never has: what is combined next cannot be taken for a part of the text.
        hasher.combine(0xFF as UInt8)
    }

    /// Whether it holds U+FFFD.
    ///
    /// HTTP servers put it where bytes of a header are no UTF-8, so different bytes become one text: it identifies nothing.
    package var holdsReplacementCharacter: Bool {
        self.utf8.contains(0xEF) && self.unicodeScalars.contains("\u{FFFD}")
    }
}
