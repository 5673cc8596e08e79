package import Policy
package import Signing

/// What an operator decided about who may come in, and how.
package struct AccessRules: Sendable {
    /// Of pre-signed URLs, newest first: the first signs, every one opens.
    package var signedURLKeys: [SignedURLKey] = []
    package var clients = ClientIDForm.uuid
    package var cors = CORS()
    /// Whether the routes for administrators are there.
    package var hasAdministration = false
    /// Whether pools and flavors are among them.
    package var hasPools = true

    /// Whether a request is refused that has names which mean nothing.
    package var isStrict = false

    /// What callers may do.
    package var policy = PolicyHolder()

    package init() {}
}
