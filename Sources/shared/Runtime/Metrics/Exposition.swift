/// The spelling of Prometheus' text format.
enum Exposition {
    /// `notify.delivery.lag` becomes `notify_delivery_lag`, with the suffix its kind asks for.
    static func name(_ label: String, suffix: String = "") -> String {
        let name = String(
            label.unicodeScalars.map { scalar in
                let isAllowed =
                    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                return isAllowed ? Character(scalar) : "_"
            })
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// `outcome="accepted",scheme="https"`, sorted by name; empty without dimensions.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions
            .map { "\(self.name($0.0))=\"\(self.escaped($0.1))\"" }
            .sorted()
            .joined(separator: ",")
    }

    /// The line that tells people what a family is.
    static func help(_ name: String, _ text: String) -> String {
        "# HELP \(name) \(text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))\n"
    }

    /// One line: name, labels, value.
    static func line(_ name: String, _ labels: String, _ value: String) -> String {
        labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    /// A number without a needless fraction: `3`, `0.25`.
    static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        return value == .infinity ? "+Inf" : String(value)
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
