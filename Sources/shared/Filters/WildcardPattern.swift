/// A text in which `*` stands for any characters, also none; `\*` is an asterisk and `\\` a backslash.
struct WildcardPattern: Sendable, Equatable {
    /// What stands before the first wildcard, and behind the last.
    private let head: [UInt8]
    private let tail: [UInt8]
    /// What stands between two wildcards.
    private let middles: [Middle]
    /// Without wildcards the head is all there is.
    let wildcards: Int

    /// Points of ``FilterBounds/wildcardPointsMax``.
    var points: Int { self.wildcards < 2 ? self.wildcards : 3 * self.wildcards }

    init(_ text: some Sequence<UInt8>) throws(Fault) {
        var pieces: [[UInt8]] = [[]]
        var isEscaped = false
        var isAfterWildcard = false
        for byte in text {
            if isEscaped {
                guard byte == UInt8(ascii: "*") || byte == UInt8(ascii: "\\") else { throw .badEscape }
                pieces[pieces.count - 1].append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "*") {
                guard !isAfterWildcard else { throw .adjacent }
                pieces.append([])
                isAfterWildcard = true
                continue
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                pieces[pieces.count - 1].append(byte)
            }
            isAfterWildcard = false
        }
        guard !isEscaped else { throw .badEscape }
        self.wildcards = pieces.count - 1
        self.head = pieces.removeFirst()
        self.tail = pieces.popLast() ?? []
        self.middles = pieces.map(Middle.init)
    }

    enum Fault: Error {
        case adjacent
        case badEscape
    }

    /// In time that grows with the text alone, since the places of the middles are searched without going back.
    func matches(_ text: Span<UInt8>) -> Bool {
        guard self.wildcards > 0 else { return TextMatching.isEqual(text, self.head) }
        guard text.count >= self.head.count + self.tail.count, TextMatching.hasPrefix(text, self.head),
            TextMatching.hasSuffix(text, self.tail)
        else { return false }
        var index = self.head.count
        let end = text.count - self.tail.count
        for middle in self.middles {
            guard let next = middle.end(in: text, from: index, to: end) else { return false }
            index = next
        }
        return true
    }

    /// A piece that is searched for as Knuth, Morris and Pratt do: a difference never makes the search look at a byte again.
    private struct Middle: Sendable, Equatable {
        let bytes: [UInt8]
        /// For each number of bytes found, how many of them are found again when the next one differs.
        private let fallbacks: [UInt16]

        init(_ bytes: [UInt8]) {
            var fallbacks: [UInt16] = [0]
            var found = 0
            for byte in bytes.dropFirst() {
                while found > 0, bytes[found] != byte { found = Int(fallbacks[found - 1]) }
                if bytes[found] == byte { found += 1 }
                // A policy has fewer bytes.
                fallbacks.append(UInt16(truncatingIfNeeded: found))
            }
            self.bytes = bytes
            self.fallbacks = fallbacks
        }

        /// Where the first occurrence ends; nil when there is none.
        func end(in text: Span<UInt8>, from start: Int, to end: Int) -> Int? {
            guard !self.bytes.isEmpty else { return start }
            var found = 0
            var index = start
            while index < end {
                while found > 0, self.bytes[found] != text[index] { found = Int(self.fallbacks[found - 1]) }
                if self.bytes[found] == text[index] { found += 1 }
                index += 1
                if found == self.bytes.count { return index }
            }
            return nil
        }
    }
}
