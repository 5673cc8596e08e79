import Domain
package import HTTPClient
package import Keystone
package import Logging
import Runtime
import ServiceLifecycle
package import Settings

/// The user of Keystone that Herald is towards users who give it trusts, as an operator set it.
package struct TrusteeSettings: Sendable {
    package let account: KeystoneAccount
    package let endpoint: KeystoneEndpoint

    /// - Returns: nil: there is none, and no subscriber is called with a token.
    /// - Throws: ``SettingError``, also for one that is named by half.
    package init?(_ settings: SettingReader) throws(SettingError) {
        guard let user = settings.text(Setting.trusteeUser) else {
            let others = [Setting.trusteePassword, Setting.trusteeProject]
            if let alone = others.first(where: { settings.text($0) != nil }) {
                throw .unusable(alone, value: nil, reason: "takes \(Setting.trusteeUser.name), not set")
            }
            return nil
        }
        guard let password = settings.text(Setting.trusteePassword), let url = settings.text(Setting.apiKeystoneURL)
        else {
            let missing = [Setting.trusteePassword, Setting.apiKeystoneURL].filter { settings.text($0) == nil }
            throw .unusable(
                Setting.trusteeUser, value: user,
                reason: "takes \(missing.map(\.name).joined(separator: " and ")), not set")
        }
        let projectDomain = try settings.required(Setting.trusteeProjectDomain)
        self.endpoint = try KeystoneEndpoint(url, settings)
        self.account = KeystoneAccount(
            url: self.endpoint.url, user: user, userDomain: try settings.required(Setting.trusteeUserDomain),
            password: password,
            project: settings.text(Setting.trusteeProject).map {
                KeystoneAccount.Project(name: $0, domain: projectDomain)
            })
    }
}

/// A connection to Keystone as the trustee, until the process stops.
package struct Trustee: Service {
    package let keystone: KeystoneClient

    /// - Parameter process: Named towards Keystone.
    /// - Throws: ``HTTPClientError`` when the system has no descriptor or thread left.
    package init(
        _ settings: TrusteeSettings, process: ProcessKind, logger: Logger
    ) throws(HTTPClientError) {
        self.keystone = try KeystoneClient(
            settings.account, limits: settings.endpoint.limits, authorities: settings.endpoint.authorities,
            userAgent: "\(process.rawValue)/\(HeraldVersion.text)", clock: { .ofThisMachine() }, logger: logger)
    }

    package func run() async throws {
        // Cancelled or asked to stop: what uses it, which started later, has stopped.
        try? await gracefulShutdown()
        self.keystone.stop()
    }
}
