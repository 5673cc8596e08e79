import Settings
import Signing

extension AccessRules {
    /// Who may come in, as an operator set it.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when a client could have no id at all.
    init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.signedURLKeys = settings.list(Setting.signedURLKeys).compactMap(SignedURLKey.init)
        self.clients = try ClientIDForm(settings)
        self.cors = try CORS(settings)
        self.isStrict = settings.boolean(Setting.apiStrict) == true
        self.hasAdministration = settings.boolean(Setting.apiAdminMode) == true
        self.hasPools = settings.boolean(Setting.apiPooling) ?? self.hasAdministration
    }
}

extension ClientIDForm {
    init(_ settings: SettingReader) throws(SettingError) {
        let min = try settings.integer(Setting.clientIDLengthMin)
        let max = try settings.integer(Setting.clientIDLengthMax)
        guard min <= max else {
            throw .unusable(
                Setting.clientIDLengthMin, value: String(min),
                reason: "is more than \(Setting.clientIDLengthMax.name), which is \(max)")
        }
        self = try settings.required(Setting.clientIDForm) == "any" ? .any(characters: min...max) : .uuid
    }
}

extension CORS {
    init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.origins = settings.list(Setting.corsOrigins)
        self.hasCredentials = settings.boolean(Setting.corsCredentials) == true
        self.secondsMax = try settings.integer(Setting.corsMaxAge)
        self.methods = settings.list(Setting.corsMethods)
        self.headersAllowed = settings.list(Setting.corsHeadersAllowed)
        self.headersExposed = settings.list(Setting.corsHeadersExposed)
    }
}
