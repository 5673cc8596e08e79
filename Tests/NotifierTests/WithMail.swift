import Logging
import Mail
import Notifier
import Store

extension TestDeployment {
    /// Runs a notifier that sends mail, too.
    ///
    /// - Parameters:
    ///   - port: Of the relay, on loopback.
    ///   - control: The control store; nil: that of the deployment.
    func withMail<Result: Sendable>(
        over port: Int, settings: EngineSettings = EngineSettings(), control: Store? = nil,
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        var email = EmailSettings()
        email.tls = .off
        email.replyTimeout = .seconds(5)
        let relay = try MailRelay(
            email, .relay(try RelayURL("smtp://127.0.0.1:\(port)")), from: try Mailbox("alerts@herald.test"),
            logger: Logger(label: "test"))
        defer { relay.stop() }
        return try await self.withEngine(
            settings: settings, beside: [EmailChannel(relay: relay)], control: control
        ) { _ in
            try await body()
        }
    }
}
