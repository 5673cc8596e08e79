package import Runtime
import ServiceLifecycle
package import Store

/// Notices when the deployment was given other values of the settings that must agree (`herald settings accept`).
package struct AgreementWatch: Service {
    private static let interval = Duration.seconds(1)

    private let settings: StoreSettings
    private let store: Store
    private let readiness: ReadinessGate

    /// - Parameter readiness: Closed as soon as they differ, before what serves has stopped.
    package init(_ settings: StoreSettings, in store: Store, readiness: ReadinessGate) {
        self.settings = settings
        self.store = store
        self.readiness = readiness
    }

    /// - Throws: ``SettingsDiffer``, for which ``Opening`` stops what it opened and waits until they agree again.
    package func run() async throws {
        let differ = await cancelWhenGracefulShutdown { await self.watch() }
        guard let differ else { return }
        self.readiness.wait(differ.reason)
        throw differ
    }

    private func watch() async -> SettingsDiffer? {
        while !Task.isCancelled {
            // Cancelled while sleeping: the loop's condition sees it.
            try? await Task.sleep(for: Self.interval)
            // Redis is away: the probe of the store says so, and nothing new is known of the settings.
            if let differ = try? await self.settings.disagreement(in: self.store) { return differ }
        }
        return nil
    }
}
