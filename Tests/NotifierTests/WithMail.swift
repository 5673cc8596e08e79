import Logging
import Mail
import Notifier

extension TestDeployment {
    /// Runs a notifier that sends mail, too.
    ///
    /// - Parameter port: Of the relay, on loopback.
    func withMail<Result: Sendable>(
        over port: Int, settings: EngineSettings = EngineSettings(), _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        var email = EmailSettings()
        email.tls = .off
        email.replyTimeout = .seconds(5)
        let relay = try MailRelay(
            email, .relay(try RelayURL("smtp://127.0.0.1:\(port)")), from: try Mailbox("alerts@herald.test"),
            logger: Logger(label: "test"))
        defer { relay.stop() }
        return try await self.withEngine(settings: settings, beside: [EmailChannel(relay: relay)]) { _ in
            try await body()
        }
    }
}
