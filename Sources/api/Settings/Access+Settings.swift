import Runtime
import Signing

extension AccessRules {
    /// Who may come in, as an operator set it.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when a client could have no id at all.
    init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.signedURLKeys = settings.list(.signedURLKeys).compactMap(SignedURLKey.init)
        self.clients = try ClientIDForm(settings)
        self.cors = try CORS(settings)
        self.hasAdministration = try settings.required(.apiAdminMode) == "true"
        self.hasPools = settings.text(.apiPooling).map { $0 == "true" } ?? self.hasAdministration
    }
}

extension ClientIDForm {
    init(_ settings: SettingReader) throws(SettingError) {
        let min = try settings.integer(.clientIDLengthMin)
        let max = try settings.integer(.clientIDLengthMax)
        guard min <= max else {
            throw .unusable(
                .clientIDLengthMin, value: String(min),
                reason: "is more than \(SettingKey.clientIDLengthMax.rawValue), which is \(max)")
        }
        self = try settings.required(.clientIDForm) == "any" ? .any(characters: min...max) : .uuid
    }
}

extension CORS {
    init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.origins = settings.list(.corsOrigins)
        self.hasCredentials = try settings.required(.corsCredentials) == "true"
        self.secondsMax = try settings.integer(.corsMaxAge)
        self.methods = settings.list(.corsMethods)
        self.headersAllowed = settings.list(.corsHeadersAllowed)
        self.headersExposed = settings.list(.corsHeadersExposed)
    }
}
