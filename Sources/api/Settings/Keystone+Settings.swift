import Foundation
import HTTPClient
package import Keystone
import Settings

/// How Keystone is asked, as an operator set it.
package struct KeystoneSettings: Sendable {
    /// Bytes of a file of certificates; that of a whole system has a quarter of it.
    private static let authoritiesBytesMax = 1 << 20

    package let account: KeystoneAccount
    /// The path of a file; nil: the authorities of the system.
    package let authorities: String?
    package let publicURL: String
    package let client: KeystoneClient.Limits
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
        self.account = KeystoneAccount(
            url: try Self.url(url, Setting.apiKeystoneURL), user: user,
            userDomain: try settings.required(Setting.apiKeystoneUserDomain), password: password,
            project: settings.text(Setting.apiKeystoneProject).map {
                KeystoneAccount.Project(name: $0, domain: projectDomain)
            })
        self.authorities = try Self.authorities(settings)
        self.publicURL = try Self.url(
            settings.text(Setting.apiKeystonePublicURL) ?? url, Setting.apiKeystonePublicURL
        ).text
        var client = KeystoneClient.Limits()
        client.timeout = try settings.seconds(Setting.apiKeystoneTimeout)
        client.retriesMax = try settings.integer(Setting.apiKeystoneRetries)
        self.client = client
        var validator = TokenValidator.Limits()
        validator.lifetime = try settings.seconds(Setting.apiKeystoneCacheTime)
        validator.entriesMax = try settings.integer(Setting.apiKeystoneCacheTokens)
        self.validator = validator
        var services = KeystoneAuthenticator.ServiceRules()
        services.roles = Set(settings.list(Setting.apiKeystoneServiceRoles).map { $0.lowercased() })
        services.isRequired = settings.boolean(Setting.apiKeystoneServiceRolesRequired) == true
        self.services = services
    }

    private static func url(_ text: String, _ setting: Setting) throws(SettingError) -> KeystoneURL {
        do throws(HTTPURLInvalid) {
            let url = try KeystoneURL(text)
            // It stands between quotes in a header.
            guard !text.contains("\""), text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .malformed }
            return url
        } catch {
            throw .unusable(setting, value: text, reason: "is not allowed: \(error.reason)")
        }
    }

    /// Looked at now: with a file that holds no certificate every request would be refused.
    private static func authorities(_ settings: SettingReader) throws(SettingError) -> String? {
        guard let path = settings.text(Setting.apiKeystoneCAFile) else { return nil }
        let handle = FileHandle(forReadingAtPath: path)
        defer { try? handle?.close() }
        guard let handle, let data = try? handle.read(upToCount: Self.authoritiesBytesMax) else {
            throw .unusable(
                Setting.apiKeystoneCAFile, value: path, reason: "cannot be read (\(FileFault.words(readingPath: path)))"
            )
        }
        guard String(decoding: data, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
            throw .unusable(Setting.apiKeystoneCAFile, value: path, reason: "holds no certificate")
        }
        return path
    }
}
