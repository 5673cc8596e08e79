/// Why a process does not start: something about its settings, in one line an operator can act on.
///
/// ``HeraldProcess`` prints the line to standard error and ends with status 78 (`EX_CONFIG` of sysexits.h).
package enum SettingError: Error, Sendable, Equatable {
    /// A value outside of what is allowed. `value` is nil for secrets, which are never printed.
    case invalid(Setting, value: String?, source: SettingSource, allowed: String)
    /// A value that is well formed and still cannot be used: an address in use, another shard count in Redis.
    case unusable(Setting, value: String?, reason: String)
    /// No value anywhere for a setting without a default.
    case missing(Setting)
    /// A name that no setting has; the nearest one that exists is offered.
    case unknown(name: String, source: SettingSource, suggestion: String?)
    /// A secret given twice: as itself and as a file.
    case ambiguous(Setting, String, String)
    /// A file that cannot be read or is not what it should be.
    case unreadable(path: String, reason: String)
    /// A socket that the service manager has passed, by its name, and that has no use here.
    case socket(String, reason: String)
}

/// Where a value came from, so that the line about it can say where to look.
package enum SettingSource: Sendable, Equatable {
    case flag(String)
    case environment(String)
    case file(String)
    case secretFile(variable: String, path: String)
    /// A socket that was passed to the process.
    case socket
}

extension SettingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalid(let setting, let value, let source, let allowed):
            let shown = value.map { " '\($0)'" } ?? ""
            return "\(setting.name): the value\(shown) from \(source) is not allowed; allowed: \(allowed)"
        case .unusable(let setting, let value, let reason):
            let shown = value.map { " '\($0)'" } ?? ""
            return "\(setting.name):\(shown) \(reason)"
        case .missing(let setting):
            return "\(setting.name) is not set; give it as \(setting.environmentNames.joined(separator: " or "))"
                + ", as \(setting.flag) or in the file; allowed: \(setting.allowed)"
        case .unknown(let name, let source, let suggestion):
            return "\(source): there is no setting '\(name)'" + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
        case .ambiguous(let setting, let one, let other):
            return "\(setting.name) is set twice, by \(one) and by \(other); keep one of them"
        case .unreadable(let path, let reason):
            return "\(path): \(reason)"
        case .socket(let name, let reason):
            return "the socket '\(name)' that was passed to this process \(reason)"
        }
    }
}

extension SettingSource: CustomStringConvertible {
    package var description: String {
        switch self {
        case .flag(let name): name
        case .environment(let name): "the environment variable \(name)"
        case .file(let path): "the file \(path)"
        case .secretFile(let variable, let path): "the file \(path) named by \(variable)"
        case .socket: "a socket that was passed"
        }
    }
}
