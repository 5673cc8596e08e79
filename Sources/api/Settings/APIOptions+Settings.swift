import Domain
import Operations
import Settings
import Signing
import Startup

extension APIOptions {
    /// What an operator set.
    ///
    /// - Parameter hasTrustee: Whether users can give trusts.
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when this machine's libcrypto has no MD5, or a kind of
    ///   subscriber is unknown.
    init(_ settings: SettingReader, hasTrustee: Bool) throws(SettingError) {
        self.init()
        self.deletesOnlyClaimed = settings.boolean(Setting.messageDeleteNeedsClaim) == true
        self.sendsMail = settings.isGiven(Setting.emailRelay) || settings.isGiven(Setting.emailCommand)
        self.subscriberSchemes =
            [.http, .https] + (self.sendsMail ? [.mailto] : []) + (hasTrustee ? Subscriber.Scheme.trusted : [])
        if settings.isGiven(Setting.apiSubscriberTypes) {
            let types = settings.list(Setting.apiSubscriberTypes)
            let schemes = types.compactMap(Subscriber.Scheme.init).filter(Subscriber.Scheme.named.contains)
            guard !schemes.isEmpty, schemes.count == types.count else {
                throw settings.invalid(Setting.apiSubscriberTypes)
            }
            if !hasTrustee, let trusted = schemes.first(where: \.isTrusted) {
                throw .unusable(
                    Setting.apiSubscriberTypes, value: nil,
                    reason: "has \(trusted.rawValue), which takes \(Setting.trusteeUser.name), not set")
            }
            self.subscriberSchemes = schemes
        }
        self.retryPolicyDefault = try settings.retryPolicyDefault()
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
