import Runtime
import ServiceLifecycle
package import Store

/// Notices when the deployment was given other values of the settings that must agree (`herald settings accept`).
package struct AgreementWatch: Service {
    private static let interval = Duration.seconds(1)

    private let settings: StoreSettings
    private let store: Store

    package init(_ settings: StoreSettings, in store: Store) {
        self.settings = settings
        self.store = store
    }

    /// - Throws: ``SettingsDiffer``, for which ``Opening`` stops what it opened and waits until they agree again.
    package func run() async throws {
        let differ = await cancelWhenGracefulShutdown { await self.watch() }
        if let differ { throw differ }
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
