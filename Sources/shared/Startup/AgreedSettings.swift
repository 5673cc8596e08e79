import Domain
import Settings
import Signing

/// The settings that every process of a deployment must have alike: what one process writes by them, another one reads.
///
/// | setting | what would be lost without a word |
/// |---|---|
/// | `master.key` | webhooks are signed by another secret than their receivers have |
/// | `message.encryption.keys`, `email.link.keys`, `signed.url.keys` | bodies, links of mails and pre-signed URLs that another process made do not open |
/// | `confirmation.required`, `email.confirmation` | messages to subscribers whom the other kind of process never asked |
/// | `email.pages.prefix` | links of mails lead nowhere |
/// | `defaults.retry` | the API shows other attempts than notifiers make |
/// | `posts.key.window` | a repeated post is stored twice |
struct AgreedSettings: Sendable {
    /// By the name of the setting.
    private let values: [String: AgreedValue]

    /// - Parameter isOfCommand: It is read by a command, which speaks for processes of both kinds: settings of the API alone are
    ///   left out that were not given, since a machine without an API has none of them.
    /// - Throws: ``SettingError``, which shows no key.
    init(
        _ reader: SettingReader, masterKey: MasterKey, vaultKeys: [VaultKey], isOfCommand: Bool
    ) throws(SettingError) {
        func flag(_ setting: Setting) -> AgreedValue { .text(String(reader.boolean(setting) == true)) }
        var values: [Setting: AgreedValue] = [
            Setting.masterKey: .keys(masterKey.fingerprints),
            Setting.messageEncryptionKeys: .keys(vaultKeys.map(\.id)),
            Setting.emailLinkKeys: .keys(try LinkSettings.keys(reader).map(\.id)),
            Setting.confirmationRequired: flag(Setting.confirmationRequired),
            Setting.emailConfirmation: flag(Setting.emailConfirmation),
            Setting.emailPagesPrefix: .text(reader.text(Setting.emailPagesPrefix) ?? ""),
            Setting.defaultsRetry: .text(reader.list(Setting.defaultsRetry).joined(separator: ",")),
        ]
        if reader.process == .api {
            values[Setting.signedURLKeys] = .keys(
                reader.list(Setting.signedURLKeys).compactMap(SignedURLKey.init).map(\.id))
            values[Setting.postsKeyWindow] = .text(String(try reader.integer(Setting.postsKeyWindow)))
        }
        if isOfCommand { values = values.filter { $0.key.processes.count > 1 || reader.isGiven($0.key) } }
        self.values = Dictionary(uniqueKeysWithValues: values.map { ($0.key.name, $0.value) })
    }

    /// What is kept of them, by the name of the setting.
    var kept: [String: String] { self.values.mapValues(\.kept) }

    /// What is kept otherwise, in the order of the catalogue.
    func differences(from kept: [String: String]) -> [SettingsDiffer.Difference] {
        SettingCatalog.all.compactMap { setting in
            guard let own = self.values[setting.name], let kept = kept[setting.name], own.kept != kept else {
                return nil
            }
            return SettingsDiffer.Difference(setting: setting, own: own, kept: kept)
        }
    }
}
