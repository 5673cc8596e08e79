import Domain
import HTTPClient
import Keystone
import Logging
import Runtime
import ServiceLifecycle
import Startup

/// Keystone, for as long as requests may ask it.
struct KeystoneService: Service {
    let authenticator: KeystoneAuthenticator
    private let client: KeystoneClient
    private let validator: TokenValidator

    /// - Throws: ``HTTPClientError`` when the system has no descriptor or thread left.
    init(_ settings: KeystoneSettings, logger: Logger) throws(HTTPClientError) {
        self.client = try KeystoneClient(
            settings.account, limits: settings.endpoint.limits, authorities: settings.endpoint.authorities,
            userAgent: "herald-api/\(HeraldVersion.text)", clock: { .ofThisMachine() }, logger: logger)
        self.validator = TokenValidator(
            self.client, limits: settings.validator, clock: { .ofThisMachine() }, logger: logger)
        self.authenticator = KeystoneAuthenticator(
            self.validator, services: settings.services, publicURL: settings.publicURL)
    }

    /// Words for an operator, when Keystone did not answer the last time; requests with known tokens go on.
    var trouble: String? {
        self.validator.trouble.map { "tokens that are not known are answered 503: \($0.word)" }
    }

    func run() async throws {
        // Cancelled or asked to stop: the listeners, which start later, have stopped.
        try? await gracefulShutdown()
        self.client.stop()
    }
}
