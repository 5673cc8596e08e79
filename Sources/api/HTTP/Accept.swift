/// What a caller is willing to read (RFC 9110, 12.5.1).
enum Accept {
    /// Whether a header admits at least one of these types, such as `application/json`.
    ///
    /// The most exact range that matches a type decides, and weight 0 excludes. Without a header, or with an empty one,
    /// anything is fine.
    static func admits(_ header: String?, _ types: [String]) -> Bool {
        guard let header, header != "*/*", header != types.first else { return true }
        let ranges = header.split(separator: ",").map(Range.init)
        guard ranges.contains(where: { !$0.type.isEmpty }) else { return true }
        return types.contains { type in
            let exact = ranges.filter { $0.type == type }
            let family = ranges.filter { $0.type == type.prefix { $0 != "/" } + "/*" }
            let any = ranges.filter { $0.type == "*/*" }
            let deciding = !exact.isEmpty ? exact : !family.isEmpty ? family : any
            return deciding.contains { $0.weight > 0 }
        }
    }

    private struct Range {
        let type: String
        let weight: Double

        init(_ text: Substring) {
            let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
            self.type = (parts.first ?? "").lowercased()
            let weight = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }
            // A weight that is no number is as good as none.
            self.weight = weight.flatMap { Double($0.dropFirst(2)) } ?? 1
        }

        private static func trimmed(_ text: Substring) -> Substring {
            let head = text.drop { $0 == " " || $0 == "\t" }
            guard let last = head.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
            return head[...last]
        }
    }
}
