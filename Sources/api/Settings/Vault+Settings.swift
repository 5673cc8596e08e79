import Runtime
import Signing

extension Vault {
    /// Opens what was sealed with any key an operator gives, and seals with the first.
    ///
    /// - Throws: ``SettingError``, which shows no key.
    init(_ settings: SettingReader, masterKey: MasterKey) throws(SettingError) {
        var keys: [VaultKey] = []
        for text in settings.list(.messageEncryptionKeys) {
            do { keys.append(try VaultKey(text)) } catch { throw settings.invalid(.messageEncryptionKeys) }
        }
        self.init(masterKey: masterKey, keys: keys)
    }
}
