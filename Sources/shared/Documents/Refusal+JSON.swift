import Domain
import JSON

extension Refusal {
    /// The bytes are no JSON document, or one beyond a bound of the reader.
    ///
    /// Clients compare the text.
    static func unparsable(_ error: JSONInvalid) -> Refusal {
        .bodyInvalid("The body could not be parsed: \(error).")
    }
}
