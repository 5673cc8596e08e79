import Domain
import Runtime
import Signing

extension Modes {
    /// Ways of working, as an operator set them.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when this machine's libcrypto has no MD5, or a kind of
    ///   subscriber is none.
    init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.deletesOnlyClaimed = try settings.required(.messageDeleteNeedsClaim) == "true"
        let types = settings.list(.apiSubscriberTypes)
        let schemes = types.compactMap(Subscriber.Scheme.init)
        guard !schemes.isEmpty, schemes.count == types.count else { throw settings.invalid(.apiSubscriberTypes) }
        self.subscriberSchemes = schemes
        let checksum = try settings.required(.messageChecksum)
        guard checksum == "md5" else { return }
        guard let md5 = BodyChecksum() else {
            throw .unusable(
                .messageChecksum, value: checksum, reason: "is not offered by the libcrypto of this machine")
        }
        self.checksum = md5
    }
}
