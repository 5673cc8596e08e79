import Domain
package import Settings
import Startup

/// How callers are authenticated, as an operator set it.
package struct AuthenticationSettings: Sendable {
    /// The values of `api.auth`.
    package enum Mode: String, Sendable, CaseIterable {
        case none, keys, keystone
    }

    package let mode: Mode
    /// Where the first API key is; nil: nowhere.
    let bootstrap: APIKeyBootstrap?
    /// nil unless it is Keystone.
    package let keystone: KeystoneSettings?
    /// Whether the listeners may be exposed.
    package let allowsUnauthenticated: Bool
    /// The listeners that other machines reach although nothing is authenticated.
    package let exposed: [ListenAddress]

    /// - Parameter listeners: Where callers reach the API.
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` for a listener that is exposed and was not allowed to be, and for a setting of
    ///   another way of authentication.
    init(
        _ settings: SettingReader, listeners: [(setting: Setting, address: ListenAddress)]
    ) throws(SettingError) {
        guard let mode = Mode(rawValue: try settings.required(Setting.apiAuth)) else {
            throw settings.invalid(Setting.apiAuth)
        }
        self.mode = mode
        if mode != .keystone {
            // Trusts are asked for and used there too.
            let shared = settings.isGiven(Setting.trusteeUser) ? KeystoneEndpoint.settings : []
            try settings.refuse(namesWith: "api.keystone.", but: shared, without: Self.takes(.keystone))
        }
        if mode != .keys { try settings.refuse(namesWith: "api.keys.", without: Self.takes(.keys)) }
        self.bootstrap = try Self.bootstrap(settings)
        self.keystone = mode == .keystone ? try KeystoneSettings(settings) : nil
        self.allowsUnauthenticated = settings.boolean(Setting.apiAllowUnauthenticated) == true
        let exposed = mode == .none ? listeners.filter { !$0.address.isLoopback } : []
        if let first = exposed.first, !self.allowsUnauthenticated {
            throw .unusable(
                first.setting, value: first.address.description,
                reason:
                    "can be reached from other machines, and with \(Setting.apiAuth.name): none every caller is believed; "
                    + "listen on loopback, have callers authenticated, or set \(Setting.apiAllowUnauthenticated.name)")
        }
        self.exposed = exposed.map(\.address)
    }

    private static func takes(_ mode: Mode) -> String { "\(Setting.apiAuth.name): \(mode.rawValue)" }

    private static func bootstrap(
        _ settings: SettingReader
    ) throws(SettingError) -> APIKeyBootstrap? {
        guard let path = settings.text(Setting.apiKeysBootstrapFile) else {
            try settings.refuse(
                namesWith: Setting.apiKeysBootstrapProject.name, without: Setting.apiKeysBootstrapFile.name)
            return nil
        }
        let text = try settings.required(Setting.apiKeysBootstrapProject)
        do { return APIKeyBootstrap(path: path, project: try ProjectID(text)) } catch {
            throw settings.invalid(Setting.apiKeysBootstrapProject)
        }
    }
}
