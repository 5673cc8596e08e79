import Runtime
import Signing

extension Modes {
    /// Ways of working, as an operator set them.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when this machine's libcrypto has no MD5.
    init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.deletesOnlyClaimed = try settings.required(.messageDeleteNeedsClaim) == "true"
        let checksum = try settings.required(.messageChecksum)
        guard checksum == "md5" else { return }
        guard let md5 = BodyChecksum() else {
            throw .unusable(
                .messageChecksum, value: checksum, reason: "is not offered by the libcrypto of this machine")
        }
        self.checksum = md5
    }
}
