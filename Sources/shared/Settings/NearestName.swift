/// The name that was probably meant.
package enum NearestName {
    /// The candidate with the fewest changed characters, if it needs few enough to be a typing error.
    package static func of(_ name: String, among candidates: [String]) -> String? {
        let ranked = candidates.map { ($0, self.distance(Array(name.utf8), Array($0.utf8))) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }) else { return nil }
        return best.1 <= max(2, name.utf8.count / 3) ? best.0 : nil
    }

    /// Levenshtein's distance: characters inserted, removed or replaced.
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (i, a) in one.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in other.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}
