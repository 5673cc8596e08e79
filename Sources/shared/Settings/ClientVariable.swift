/// Variables of the environment that the client commands of `herald` read; to the processes they are no settings.
package enum ClientVariable: String, CaseIterable, Sendable {
    case profile = "HERALD_PROFILE"
    case url = "HERALD_URL"
    case project = "HERALD_PROJECT"
    /// The path of a PEM file of authorities, for an API behind https.
    case caFile = "HERALD_CA_FILE"
    /// An API key, or a token of an identity service.
    case token = "HERALD_TOKEN"
}
