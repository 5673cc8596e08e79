import Operations
import Settings
import Signing
import Startup

extension ConfirmationRules {
    /// How webhooks are asked; nil when they are not.
    ///
    /// - Throws: ``SettingError`` when they are to be asked and nothing signs the links.
    init?(_ settings: SettingReader, _ links: LinkSettings) throws(SettingError) {
        guard settings.boolean(Setting.confirmationRequired) == true else { return nil }
        guard let key = settings.list(Setting.signedURLKeys).first.flatMap(SignedURLKey.init) else {
            throw .unusable(
                Setting.confirmationRequired, value: "true",
                reason: "takes \(Setting.signedURLKeys.name), which signs the links of confirmations")
        }
        self.init(key: key, publicURL: links.publicURL)
    }
}

extension MailConfirmationRules {
    /// How subscribers with mail addresses are asked; nil when they are not.
    ///
    /// - Parameter sendsMail: Whether there is something that mail is sent with. Without, no address is asked, and no page is needed.
    /// - Throws: ``SettingError`` when a mail could be sent and would lead nowhere.
    init?(_ settings: SettingReader, _ links: LinkSettings, sendsMail: Bool) throws(SettingError) {
        guard settings.boolean(Setting.emailConfirmation) == true else { return nil }
        let dailyMax = try settings.integer(Setting.emailConfirmationsDaily)
        guard let url = settings.text(Setting.emailConfirmationURL) else {
            guard links.pages != nil || !sendsMail else {
                throw .unusable(
                    Setting.emailConfirmation, value: "true",
                    reason: "takes \(Setting.apiPublicURL.name), where subscribers find the page that confirms, or "
                        + "\(Setting.emailConfirmationURL.name)")
            }
            self.init(page: links.pages.map { .builtIn($0) }, publicURL: links.publicURL, dailyMax: dailyMax)
            return
        }
        guard Self.isPage(url) else { throw settings.invalid(Setting.emailConfirmationURL, value: url) }
        guard let key = settings.list(Setting.signedURLKeys).first.flatMap(SignedURLKey.init) else {
            throw .unusable(
                Setting.emailConfirmationURL, value: url,
                reason: "takes \(Setting.signedURLKeys.name), which signs its links")
        }
        self.init(page: .external(url: url, key: key), publicURL: links.publicURL, dailyMax: dailyMax)
    }

    /// A URL that may have a query, and no fragment.
    private static func isPage(_ url: String) -> Bool {
        url.utf8.count <= 512 && url.utf8.allSatisfy { (0x21...0x7E).contains($0) } && !url.contains("#")
            && LinkSettings.isWhole(String(url.prefix { $0 != "?" }))
    }
}
