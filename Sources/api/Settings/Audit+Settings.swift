import Settings

extension AuditDestination {
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` for what is neither a word nor a path from the root on.
    init(_ settings: SettingReader) throws(SettingError) {
        switch try settings.required(Setting.apiAuditLog) {
        case "none": self = .none
        case "stderr": self = .standardError
        case let path where path.hasPrefix("/"): self = .file(path)
        default: throw settings.invalid(Setting.apiAuditLog)
        }
    }
}
