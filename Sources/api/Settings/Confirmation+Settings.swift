import Operations
import Settings
import Signing

extension ConfirmationRules {
    /// How subscribers are asked; nil when they are not.
    ///
    /// - Throws: ``SettingError`` when they are to be asked and nothing signs the links.
    init?(_ settings: SettingReader) throws(SettingError) {
        let publicURL = try Self.publicURL(settings)
        guard settings.boolean(Setting.confirmationRequired) == true else { return nil }
        guard let key = settings.list(Setting.signedURLKeys).first.flatMap(SignedURLKey.init) else {
            throw .unusable(
                Setting.confirmationRequired, value: "true",
                reason: "takes \(Setting.signedURLKeys.name), which signs the links of confirmations")
        }
        self.init(key: key, publicURL: publicURL)
    }

    private static func publicURL(_ settings: SettingReader) throws(SettingError) -> String? {
        guard let text = settings.text(Setting.apiPublicURL) else { return nil }
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        let isWhole =
            parts.count >= 3 && ["http:", "https:"].contains(parts[0].lowercased()) && parts[1].isEmpty
            && !parts[2].isEmpty && !text.contains { "?# ".contains($0) || $0.isNewline }
        guard isWhole else { throw settings.invalid(Setting.apiPublicURL, value: text) }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
