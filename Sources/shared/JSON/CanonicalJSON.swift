/// The canonical text of a JSON value, of which checksums are made (docs/api.md, "Messages"): what Python's `json.dumps`
/// writes by default for what its `json.loads` reads.
///
/// Members keep their order, `", "` and `": "` stand between, strings are ASCII, and fractions are the shortest decimals
/// that lead back to the same double. Of members with one name the last value counts, at the place of the first.
package enum CanonicalJSON {
    /// The canonical text of a document that is one value of any kind; nil for `null`, which has no checksum.
    package static func text(of bytes: Span<UInt8>) throws(JSONInvalid) -> [UInt8]? {
        var reader = JSONReader()
        var writer = Writer()
        let isNull = try reader.peek(in: bytes) == UInt8(ascii: "n")
        try writer.write(&reader, in: bytes)
        try reader.end(in: bytes)
        return isNull ? nil : writer.text
    }

    private struct Writer {
        var text: [UInt8] = []

        mutating func write(_ reader: inout JSONReader, in bytes: Span<UInt8>) throws(JSONInvalid) {
            switch try reader.peek(in: bytes) {
            case UInt8(ascii: "{"): try self.writeObject(&reader, in: bytes)
            case UInt8(ascii: "["): try self.writeArray(&reader, in: bytes)
            default:
                let value = try reader.value(in: bytes)
                switch value.kind {
                case .string: self.writeString(value.range, in: bytes)
                case .integer(let integer): self.text.append(contentsOf: String(integer).utf8)
                case .fraction: self.writeFraction(value.range, in: bytes)
                case .boolean(let boolean): self.text.append(contentsOf: (boolean ? "true" : "false").utf8)
                case .null: self.text.append(contentsOf: "null".utf8)
                case .object, .array: preconditionFailure("a container does not begin with its bracket")
                }
            }
        }

        private mutating func writeArray(_ reader: inout JSONReader, in bytes: Span<UInt8>) throws(JSONInvalid) {
            self.text.append(UInt8(ascii: "["))
            let first = self.text.count
            try reader.openArray(in: bytes)
            while try reader.nextElement(in: bytes) {
                if self.text.count > first { self.text.append(contentsOf: ", ".utf8) }
                try self.write(&reader, in: bytes)
            }
            self.text.append(UInt8(ascii: "]"))
        }

        private mutating func writeObject(_ reader: inout JSONReader, in bytes: Span<UInt8>) throws(JSONInvalid) {
            let start = self.text.count
            var members: [(name: Range<Int>, value: Range<Int>)] = []
            var places: [[UInt8]: Int] = [:]
            var isDisordered = false
            self.text.append(UInt8(ascii: "{"))
            try reader.openObject(in: bytes)
            while let name = try reader.nextName(in: bytes) {
                if !members.isEmpty { self.text.append(contentsOf: ", ".utf8) }
                let nameStart = self.text.count
                self.writeString(name.range, in: bytes)
                let written = nameStart..<self.text.count
                self.text.append(contentsOf: ": ".utf8)
                let valueStart = self.text.count
                try self.write(&reader, in: bytes)
                let value = valueStart..<self.text.count
                // Equal names have equal canonical texts, however each of them was escaped.
                if let place = places.updateValue(members.count, forKey: Array(self.text[written])) {
                    places[Array(self.text[written])] = place
                    members[place].value = value
                    isDisordered = true
                } else {
                    members.append((written, value))
                }
            }
            self.text.append(UInt8(ascii: "}"))
            if isDisordered { self.rewriteObject(from: start, members) }
        }

        /// Writes an object once more, out of the pieces of the first writing that count.
        private mutating func rewriteObject(from start: Int, _ members: [(name: Range<Int>, value: Range<Int>)]) {
            let written = self.text
            self.text.removeSubrange(start...)
            self.text.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { self.text.append(contentsOf: ", ".utf8) }
                self.text.append(contentsOf: written[member.name])
                self.text.append(contentsOf: ": ".utf8)
                self.text.append(contentsOf: written[member.value])
            }
            self.text.append(UInt8(ascii: "}"))
        }

        // MARK: - Strings

        private mutating func writeString(_ range: Range<Int>, in bytes: Span<UInt8>) {
            let string = JSONValue(kind: .string(hasEscapes: true), range: range)
            self.text.append(UInt8(ascii: "\""))
            let content = range.lowerBound + 1..<range.upperBound - 1
            let isPlain = content.allSatisfy { (0x20...0x7E).contains(bytes[$0]) && bytes[$0] != UInt8(ascii: "\\") }
            if isPlain {
                for index in content { self.text.append(bytes[index]) }
            } else {
                for unit in (JSONText.text(of: string, in: bytes) ?? "").utf16 { self.writeUnit(unit) }
            }
            self.text.append(UInt8(ascii: "\""))
        }

        private mutating func writeUnit(_ unit: UInt16) {
            switch unit {
            case 0x22: self.text.append(contentsOf: #"\""#.utf8)
            case 0x5C: self.text.append(contentsOf: #"\\"#.utf8)
            case 0x08: self.text.append(contentsOf: #"\b"#.utf8)
            case 0x0C: self.text.append(contentsOf: #"\f"#.utf8)
            case 0x0A: self.text.append(contentsOf: #"\n"#.utf8)
            case 0x0D: self.text.append(contentsOf: #"\r"#.utf8)
            case 0x09: self.text.append(contentsOf: #"\t"#.utf8)
            case 0x20...0x7E: self.text.append(UInt8(unit))
            default:
                self.text.append(contentsOf: #"\u"#.utf8)
                for shift: UInt16 in [12, 8, 4, 0] {
                    let digit = UInt8(unit >> shift & 15)
                    self.text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
                }
            }
        }

        // MARK: - Fractions

        private mutating func writeFraction(_ range: Range<Int>, in bytes: Span<UInt8>) {
            let written = bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
            guard let number = Double(written) else { preconditionFailure("the reader passed what is no number") }
            self.text.append(contentsOf: Self.text(of: number))
        }

        /// Python's `repr` of a double: the digits are those of Swift, the places of point and exponent are not.
        private static func text(of number: Double) -> [UInt8] {
            // Beyond the largest double lies infinity, which Python writes although it is no JSON.
            guard number.isFinite else { return Array((number < 0 ? "-Infinity" : "Infinity").utf8) }
            let sign: [UInt8] = number.sign == .minus ? [UInt8(ascii: "-")] : []
            let (digits, pointAt) = Self.digits(of: number.magnitude)
            // `pointAt` counts the digits before the point: 1 for 1.5, 0 for 0.15, 17 for 1e16.
            if pointAt < -3 || pointAt > 16 {
                let exponent = pointAt - 1
                let rest = digits.count > 1 ? [UInt8(ascii: ".")] + digits.dropFirst() : []
                let size = String(exponent.magnitude)
                let padded = (exponent < 0 ? "e-" : "e+") + (size.utf8.count < 2 ? "0" : "") + size
                return sign + digits.prefix(1) + rest + Array(padded.utf8)
            }
            let zero = UInt8(ascii: "0")
            if pointAt <= 0 {
                return sign + Array("0.".utf8) + [UInt8](repeating: zero, count: -pointAt) + digits
            }
            let before = digits.prefix(pointAt) + [UInt8](repeating: zero, count: max(0, pointAt - digits.count))
            let behind = digits.count > pointAt ? Array(digits[pointAt...]) : [zero]
            return sign + before + [UInt8(ascii: ".")] + behind
        }

        /// The shortest digits that lead back to a number that is not negative, and how many stand before the point.
        private static func digits(of number: Double) -> (digits: [UInt8], pointAt: Int) {
            var digits: [UInt8] = []
            var pointAt: Int?
            var exponent = 0
            for (offset, byte) in number.description.utf8.enumerated() {
                if byte == UInt8(ascii: ".") {
                    pointAt = digits.count
                } else if byte == UInt8(ascii: "e") {
                    exponent = Int(number.description.dropFirst(offset + 1)) ?? 0
                    break
                } else {
                    digits.append(byte)
                }
            }
            var point = (pointAt ?? digits.count) + exponent
            let zero = UInt8(ascii: "0")
            while digits.count > 1, digits.first == zero {
                digits.removeFirst()
                point -= 1
            }
            while digits.count > 1, digits.last == zero { digits.removeLast() }
            return digits == [zero] ? (digits, 1) : (digits, point)
        }
    }
}
