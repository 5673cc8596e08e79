import Foundation

/// Makes JSON documents with everything that can be written in more than one way.
package struct JSONDocumentMaker {
    private var generator: SeededGenerator

    package init(generator: SeededGenerator) {
        self.generator = generator
    }

    package mutating func make(depth: Int = 0) -> String {
        switch Int.random(in: 0..<(depth > 4 ? 6 : 9), using: &self.generator) {
        case 0: return ["null", "true", "false"].randomElement(using: &self.generator) ?? "null"
        case 1: return String(Int64.random(in: .min ... .max, using: &self.generator))
        case 2: return String(Int.random(in: -300...300, using: &self.generator))
        case 3: return self.fraction()
        case 4, 5: return self.string()
        case 6:
            let items = (0..<Int.random(in: 0...5, using: &self.generator)).map { _ in self.make(depth: depth + 1) }
            return "[" + items.joined(separator: self.blank() + "," + self.blank()) + "]"
        default:
            var members: [String] = []
            for _ in 0..<Int.random(in: 0...6, using: &self.generator) {
                // Few names, so that some come twice.
                let name =
                    Bool.random(using: &self.generator)
                    ? self.string()
                    : ["\"a\"", #""\u0061""#, "\"b\""][
                        Int.random(in: 0..<3, using: &self.generator)]
                members.append(name + self.blank() + ":" + self.blank() + self.make(depth: depth + 1))
            }
            return "{" + members.joined(separator: ",") + self.blank() + "}"
        }
    }

    private mutating func blank() -> String {
        ["", "", " ", "\t"].randomElement(using: &self.generator) ?? ""
    }

    private mutating func fraction() -> String {
        switch Int.random(in: 0..<4, using: &self.generator) {
        case 0:
            // Any double at all, as another program would write it.
            let number = Double(bitPattern: .random(in: .min ... .max, using: &self.generator))
            return number.isFinite ? String(format: "%.17e", number) : "1.0"
        case 1:
            return "\(Int.random(in: -99...99, using: &self.generator))."
                + (0..<Int.random(in: 1...25, using: &self.generator))
                .map { _ in String(Int.random(in: 0...9, using: &self.generator)) }.joined()
        case 2:
            return "\(Int.random(in: -9_999_999...9_999_999, using: &self.generator))e"
                + "\(Int.random(in: -330...330, using: &self.generator))"
        default:
            let number = pow(10, Double.random(in: -6...18, using: &self.generator))
            return String(format: "%.3f", number)
        }
    }

    private mutating func string() -> String {
        let pieces = [
            "a", "Z", " ", "/", "~", "é", "e\u{301}", "\u{7F}", "\u{80}", "\u{2028}", "\u{FFFF}", "😀", "\u{10FFFF}",
            #"\n"#, #"\t"#, #"\b"#, #"\f"#, #"\r"#, #"\""#, #"\\"#, #"\/"#, #"\u00e9"#, #"\u0000"#, #"\uD83D\uDE00"#,
            #"\u001F"#, "'", "<", "&", "漢",
        ]
        let count = Int.random(in: 0...8, using: &self.generator)
        return "\"" + (0..<count).map { _ in pieces.randomElement(using: &self.generator) ?? "" }.joined() + "\""
    }
}
