import Foundation

/// Domain names in the form that DNS and SMTP know (RFC 5890, A-labels).
enum DomainName {
    /// RFC 1035, 2.3.4, without the root's label.
    static let bytesMax = 253
    /// RFC 1035, 2.3.4.
    static let labelBytesMax = 63

    /// The A-labels of a name, in lower case.
    ///
    /// A label beyond ASCII is brought to lower case and to NFC, may hold alphabetic characters, marks, digits and hyphens that a
    /// compatibility mapping leaves alone (the characters of IDNA2008, without its rules of context), and is encoded
    /// with ``Punycode``.
    static func ascii(_ name: String) throws(MailAddressInvalid) -> String {
        // No name of allowed length comes from a longer text; what follows is bounded by it.
        guard name.unicodeScalars.count <= self.bytesMax else { throw .domainTooLong }
        var labels: [String] = []
        // By bytes: a combining mark behind a full stop would hide it.
        for label in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            labels.append(try self.ascii(label: String(Substring(label))))
        }
        let ascii = labels.joined(separator: ".")
        guard ascii.utf8.count <= self.bytesMax else { throw .domainTooLong }
        // The last label of a name is never a number: it would be read as an IPv4 address (RFC 3696, 2).
        guard let last = labels.last, !last.utf8.allSatisfy(self.isDigit) else { throw .literal }
        return ascii
    }

    private static func ascii(label: String) throws(MailAddressInvalid) -> String {
        guard !label.isEmpty else { throw .labelEmpty }
        let label = label.lowercased().precomposedStringWithCanonicalMapping
        guard label.unicodeScalars.first != "-", label.unicodeScalars.last != "-" else { throw .labelHyphen }
        guard label.utf8.contains(where: { $0 >= 0x80 }) else {
            guard label.utf8.allSatisfy(self.isLetterDigitHyphen) else { throw .labelCharacter }
            guard label.utf8.count <= self.labelBytesMax else { throw .labelTooLong }
            return label
        }
        let scalars = Array(label.unicodeScalars)
        guard scalars.count <= self.labelBytesMax else { throw .labelTooLong }
        let isOfIDNA =
            label.unicodeScalars.elementsEqual(label.precomposedStringWithCompatibilityMapping.unicodeScalars)
            && scalars.allSatisfy(self.isLetterDigitHyphen) && !self.isMark(scalars[0])
            && !(scalars.count >= 4 && scalars[2] == "-" && scalars[3] == "-")
        guard isOfIDNA else { throw .labelCharacter }
        let encoded = "xn--" + Punycode.encode(scalars)
        guard encoded.utf8.count <= self.labelBytesMax else { throw .labelTooLong }
        return encoded
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetterDigitHyphen(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || self.isDigit(byte) || byte == UInt8(ascii: "-")
    }

    private static func isLetterDigitHyphen(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return self.isLetterDigitHyphen(UInt8(scalar.value)) }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .decimalNumber: return true
        default: return self.isMark(scalar)
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark: true
        default: false
        }
    }
}

/// The encoding of labels beyond ASCII (RFC 3492).
enum Punycode {
    private static let base = 36
    private static let thresholdMin = 1
    private static let thresholdMax = 26
    private static let skew = 38
    private static let damp = 700
    private static let biasFirst = 72
    private static let scalarFirst = 128

    /// Encodes a label, in lower case.
    ///
    /// - Parameter label: At most 63 scalars, so that nothing overflows.
    static func encode(_ label: [Unicode.Scalar]) -> String {
        precondition(label.count <= DomainName.labelBytesMax, "the label is too long to become an A-label")
        var output = label.filter(\.isASCII).map { UInt8($0.value) }
        let basic = output.count
        var handled = basic
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var scalar = self.scalarFirst
        var delta = 0
        var bias = self.biasFirst
        while handled < label.count {
            // There is one, for not all have been handled.
            let next = label.lazy.map { Int($0.value) }.filter { $0 >= scalar }.min() ?? scalar
            delta += (next - scalar) * (handled + 1)
            scalar = next
            for other in label.lazy.map({ Int($0.value) }) {
                if other < scalar { delta += 1 }
                guard other == scalar else { continue }
                self.append(delta, bias: bias, to: &output)
                bias = self.adapted(delta, count: handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            scalar += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Writes a delta as an integer of variable length, least significant digit first.
    private static func append(_ delta: Int, bias: Int, to output: inout [UInt8]) {
        var rest = delta
        var position = self.base
        while true {
            let threshold = min(max(position - bias, self.thresholdMin), self.thresholdMax)
            guard rest >= threshold else { break }
            output.append(self.digit(threshold + (rest - threshold) % (self.base - threshold)))
            rest = (rest - threshold) / (self.base - threshold)
            position += self.base
        }
        output.append(self.digit(rest))
    }

    private static func adapted(_ delta: Int, count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / self.damp : delta / 2
        delta += delta / count
        var bias = 0
        while delta > (self.base - self.thresholdMin) * self.thresholdMax / 2 {
            delta /= self.base - self.thresholdMin
            bias += self.base
        }
        return bias + (self.base - self.thresholdMin + 1) * delta / (delta + self.skew)
    }

    private static func digit(_ value: Int) -> UInt8 {
        value < 26 ? UInt8(ascii: "a") + UInt8(value) : UInt8(ascii: "0") + UInt8(value - 26)
    }
}
