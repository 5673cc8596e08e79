/// By which schemes of Standard Webhooks the webhooks of a subscription are signed.
package enum SignatureSchemes: String, Sendable, CaseIterable {
    /// With the secret of the subscription.
    case symmetric = "v1"
    /// With the key of the project, of which receivers know only the public half.
    case asymmetric = "v1a"
    case both = "v1 v1a"

    package var includesSymmetric: Bool { self != .asymmetric }
    package var includesAsymmetric: Bool { self != .symmetric }
}
