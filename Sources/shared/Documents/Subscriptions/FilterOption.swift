import Domain
import Filters
import JSON

/// The option of a subscription that says which messages it gets: `{"_filter": {"event": ["created"]}}` (docs/filters.md).
enum FilterOption {
    static let name = "_filter"

    /// - Returns: nil when there is none.
    /// - Throws: ``Refusal/requestInvalid(_:)``, with a JSON pointer to what is wrong.
    static func read(_ options: JSONObject) throws(Refusal) -> FilterPolicy? {
        guard let value = options[Self.name] else { return nil }
        return try Self.policy(Array(options.verbatim(value)), at: "The option \(Self.name)")
    }

    /// - Parameter place: What has the policy, as the beginning of a sentence.
    static func policy(_ bytes: [UInt8], at place: String) throws(Refusal) -> FilterPolicy {
        do throws(FilterPolicyInvalid) { return try FilterPolicy(utf8: bytes) } catch {
            throw .requestInvalid("\(place): \(error).")
        }
    }
}
