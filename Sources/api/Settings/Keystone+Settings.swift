package import Keystone
import Settings
package import Startup

/// How Keystone is asked, as an operator set it.
package struct KeystoneSettings: Sendable {
    package let account: KeystoneAccount
    package let endpoint: KeystoneEndpoint
    package let publicURL: String
    package let validator: TokenValidator.Limits
    package let services: KeystoneAuthenticator.ServiceRules

    /// - Throws: ``SettingError/unusable(_:value:reason:)`` that names every setting that is missing, or one that cannot be used.
    init(_ settings: SettingReader) throws(SettingError) {
        let missing = [Setting.apiKeystoneURL, Setting.apiKeystoneUser, Setting.apiKeystonePassword].filter {
            settings.text($0) == nil
        }
        guard missing.isEmpty, let url = settings.text(Setting.apiKeystoneURL),
            let user = settings.text(Setting.apiKeystoneUser),
            let password = settings.text(Setting.apiKeystonePassword)
        else {
            throw .unusable(
                Setting.apiAuth, value: settings.text(Setting.apiAuth),
                reason: "takes \(missing.map(\.name).joined(separator: " and ")), not set")
        }
        let projectDomain = try settings.required(Setting.apiKeystoneProjectDomain)
        self.endpoint = try KeystoneEndpoint(url, settings)
        self.account = KeystoneAccount(
            url: self.endpoint.url, user: user,
            userDomain: try settings.required(Setting.apiKeystoneUserDomain), password: password,
            project: settings.text(Setting.apiKeystoneProject).map {
                KeystoneAccount.Project(name: $0, domain: projectDomain)
            })
        self.publicURL = try KeystoneEndpoint.url(
            settings.text(Setting.apiKeystonePublicURL) ?? url, Setting.apiKeystonePublicURL
        ).text
        var validator = TokenValidator.Limits()
        validator.lifetime = try settings.seconds(Setting.apiKeystoneCacheTime)
        validator.entriesMax = try settings.integer(Setting.apiKeystoneCacheTokens)
        self.validator = validator
        var services = KeystoneAuthenticator.ServiceRules()
        services.roles = Set(settings.list(Setting.apiKeystoneServiceRoles).map { $0.lowercased() })
        services.isRequired = settings.boolean(Setting.apiKeystoneServiceRolesRequired) == true
        self.services = services
    }
}
