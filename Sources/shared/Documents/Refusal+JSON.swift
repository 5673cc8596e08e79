package import Domain
package import JSON

extension Refusal {
    /// The bytes are no JSON document this house takes.
    ///
    /// Clients look for the words.
    package static func unparsable(_ error: JSONInvalid) -> Refusal {
        .bodyInvalid("The body could not be parsed: \(error).")
    }
}
