package import ArgumentParser
package import Runtime

/// `herald-api`: serves the messaging API over HTTP until it is asked to stop.
package struct APICommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: ProcessKind.api.rawValue,
        abstract: "Serve the messaging API.",
        discussion: "Every flag is also an environment variable (HERALD_…) and a line of the settings file. "
            + "See docs/configuration.md.")

    @OptionGroup package var common: CommonFlags
    @Option(name: .customLong("listen"), help: "Where the REST API listens.")
    package var listen: String?
    @Option(name: .customLong("admin-listen"), help: "Where health and metrics are served.")
    package var adminListen: String?
    @Option(name: .customLong("auth"), help: "How callers are authenticated: none.")
    package var auth: String?
    @Option(name: .customLong("drain"), help: "Seconds that requests under way may take after SIGTERM.")
    package var drain: String?
    @Option(
        name: .customLong("signed-url-keys"),
        help: "Keys of pre-signed URLs, newest first. Others can see your command line: prefer the environment.")
    package var signedURLKeys: String?

    @OptionGroup package var behaviour: BehaviourFlags

    package init() {}

    package func run() async throws {
        let own: [SettingKey: String?] = [
            .apiListen: self.listen, .apiAdminListen: self.adminListen, .apiAuth: self.auth, .apiDrain: self.drain,
            .signedURLKeys: self.signedURLKeys,
        ]
        let flags = self.common.settings(and: own.merging(self.behaviour.settings) { own, _ in own })
        try await HeraldProcess.run(.api, flags: flags, readyWith: [.listen]) { context in
            try APIProcess.services(context)
        }
    }
}
