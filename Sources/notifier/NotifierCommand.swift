package import ArgumentParser
import Runtime

/// `herald-notifier`: the flags, and nothing else.
package struct NotifierCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "herald-notifier",
        abstract: "Delivers the messages of subscribed queues as signed webhooks.",
        discussion: "Every flag is also a setting of the environment and the file; see docs/configuration.md.")

    @OptionGroup var common: CommonFlags
    @Option(name: .customLong("admin-listen"), help: "Where /livez, /readyz and /metrics are answered.")
    var adminListen: String?
    @Option(name: .customLong("concurrency"), help: "Attempts under way at once.")
    var concurrency: String?
    @Option(name: .customLong("host-concurrency"), help: "Attempts under way at once to one host.")
    var hostConcurrency: String?
    @Option(name: .customLong("lease"), help: "Seconds a delivery stays with a notifier that no longer reports.")
    var lease: String?
    @Option(name: .customLong("drain"), help: "Seconds attempts may take to finish after SIGTERM.")
    var drain: String?
    @Option(
        name: .customLong("disable-after"),
        help: "Seconds of nothing but failures that disable a subscription; 0: never.")
    var disableAfter: String?
    @Option(name: .customLong("webhook-connect-timeout"), help: "Seconds a connection may take.")
    var webhookConnectTimeout: String?
    @Option(name: .customLong("webhook-timeout"), help: "Seconds a whole exchange may take.")
    var webhookTimeout: String?
    @Option(name: .customLong("egress-allow"), help: "Non-public address ranges webhooks may reach.")
    var egressAllow: String?

    package init() {}

    package func run() async throws {
        let flags = self.common.settings(and: [
            .notifierAdminListen: self.adminListen, .notifierConcurrency: self.concurrency,
            .notifierHostConcurrency: self.hostConcurrency, .notifierLease: self.lease, .notifierDrain: self.drain,
            .notifierDisableAfter: self.disableAfter,
            .webhookConnectTimeout: self.webhookConnectTimeout, .webhookTimeout: self.webhookTimeout,
            .egressAllow: self.egressAllow,
        ])
        try await HeraldProcess.run(.notifier, flags: flags, readyWith: [.work]) { context in
            try NotifierProcess.services(context)
        }
    }
}
