/// The value of a setting that every process of a deployment must have, as it is kept in Redis.
package enum AgreedValue: Sendable, Equatable {
    /// Alike in every process: the value itself, or the fingerprint of a secret.
    case text(String)
    /// The ids of keys, of which the first one writes and every one reads.
    case keys([String])

    private static let none = "none"

    /// The text that is kept; of keys it does not say which one writes.
    package var kept: String {
        switch self {
        case .text(let text): text
        case .keys(let ids): ids.isEmpty ? Self.none : Set(ids).sorted().joined(separator: ",")
        }
    }

    /// The value for the operator: of keys their ids, the one that writes first.
    package var shown: String {
        switch self {
        case .text(let text): text.isEmpty ? "unset" : text
        case .keys(let ids): ids.isEmpty ? Self.none : ids.joined(separator: ",")
        }
    }

    /// Whether a process with this value may serve beside those that have what is kept.
    ///
    /// Of keys each process must have all that are kept, since another one may write with any of them, and must itself write with
    /// one of them. So a key is added in every process before the first one writes with it.
    package func agrees(with kept: String) -> Bool {
        switch self {
        case .text(let text): return text == kept
        case .keys(let ids):
            guard let first = ids.first else { return kept == Self.none }
            let keys = kept.split(separator: ",").map(String.init)
            return keys.contains(first) && Set(keys).isSubset(of: ids)
        }
    }
}
