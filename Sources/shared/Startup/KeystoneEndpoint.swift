import Foundation
import HTTPClient
package import Keystone
package import Settings

/// Where Keystone is and how long it is waited for, as an operator set it.
package struct KeystoneEndpoint: Sendable {
    /// What it is read from.
    package static let settings = [
        Setting.apiKeystoneURL, Setting.apiKeystoneCAFile, Setting.apiKeystoneTimeout, Setting.apiKeystoneRetries,
    ]
    /// Bytes of a file of certificates; that of a whole system has a quarter of it.
    private static let authoritiesBytesMax = 1 << 20

    package let url: KeystoneURL
    /// The path of a file; nil: the authorities of the system.
    package let authorities: String?
    package let limits: KeystoneClient.Limits

    /// - Parameter url: What `api.keystone.url` says.
    /// - Throws: ``SettingError``.
    package init(_ url: String, _ settings: SettingReader) throws(SettingError) {
        self.url = try Self.url(url, Setting.apiKeystoneURL)
        self.authorities = try Self.authorities(settings)
        var limits = KeystoneClient.Limits()
        limits.timeout = try settings.seconds(Setting.apiKeystoneTimeout)
        limits.retriesMax = try settings.integer(Setting.apiKeystoneRetries)
        self.limits = limits
    }

    /// - Throws: ``SettingError/unusable(_:value:reason:)``.
    package static func url(_ text: String, _ setting: Setting) throws(SettingError) -> KeystoneURL {
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
