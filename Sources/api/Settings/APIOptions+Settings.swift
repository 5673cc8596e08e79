import Domain
import Operations
import Settings
import Signing

extension APIOptions {
    /// What an operator set.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when this machine's libcrypto has no MD5, or a kind of
    ///   subscriber is unknown.
    init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.deletesOnlyClaimed = settings.boolean(Setting.messageDeleteNeedsClaim) == true
        self.sendsMail = settings.isGiven(Setting.emailRelay) || settings.isGiven(Setting.emailCommand)
        self.subscriberSchemes = self.sendsMail ? [.http, .https, .mailto] : [.http, .https]
        if settings.isGiven(Setting.apiSubscriberTypes) {
            let types = settings.list(Setting.apiSubscriberTypes)
            let schemes = types.compactMap(Subscriber.Scheme.init).filter(Subscriber.Scheme.named.contains)
            guard !schemes.isEmpty, schemes.count == types.count else {
                throw settings.invalid(Setting.apiSubscriberTypes)
            }
            self.subscriberSchemes = schemes
        }
        self.shareKey = settings.list(Setting.signedURLKeys).first.flatMap(SignedURLKey.init)
        let checksum = try settings.required(Setting.messageChecksum)
        guard checksum == "md5" else { return }
        guard let md5 = BodyChecksum() else {
            throw .unusable(
                Setting.messageChecksum, value: checksum, reason: "is not offered by the libcrypto of this machine")
        }
        self.checksum = md5
    }
}
