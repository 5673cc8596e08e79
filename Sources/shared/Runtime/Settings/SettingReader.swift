package import Configuration

/// Everything one process was told, read and checked as a whole.
///
/// Flags win over the environment, the environment over the file, the file over the defaults. Making a reader reads all
/// four, so a mistake anywhere, also in a value another source overrides, is found before the first socket opens.
package struct SettingReader: Sendable {
    /// The process these settings are for.
    package let process: ProcessKind
    /// The checked values under their keys: integers, seconds as doubles, lists as arrays, the rest as text.
    package let config: ConfigReader

    /// - Parameters:
    ///   - flags: What the command line gave, as it was spelled there.
    ///   - environment: All variables; those that do not start with `HERALD_` are not looked at.
    package init(
        for process: ProcessKind, flags: [SettingKey: String], environment: [String: String]
    ) throws(SettingError) {
        self.process = process
        let fromFlags = try FlagSource.read(flags)
        let fromEnvironment = try EnvironmentSource.read(environment)
        let path = fromFlags[.configFile] ?? fromEnvironment[.configFile]
        let fromFile = try path.map { path throws(SettingError) in try FileSource.read(path: path.text) } ?? [:]
        let defaults = SettingCatalog.all.compactMap { setting in
            setting.default.map { (setting.key, SettingText(text: $0, source: .file("the defaults"))) }
        }
        let layers = [fromFlags, fromEnvironment, fromFile, Dictionary(uniqueKeysWithValues: defaults)]

        var providers: [InMemoryProvider] = []
        for (layer, name) in zip(layers, ["flags", "environment", "file", "defaults"]) {
            var values: [AbsoluteConfigKey: ConfigValue] = [:]
            for (key, given) in layer {
                let setting = SettingCatalog[key]
                let content = try setting.content(of: given)
                values[AbsoluteConfigKey(ConfigKey(key.rawValue))] = ConfigValue(content, isSecret: setting.isSecret)
            }
            providers.append(InMemoryProvider(name: name, values: values))
        }
        self.config = ConfigReader(providers: providers)
        for setting in SettingCatalog.settings(of: process) where setting.isRequired {
            guard layers.contains(where: { $0[setting.key] != nil }) else { throw .missing(setting.key) }
        }
    }

    /// The value of a setting that is text, an address or one of some words; nil when nothing is given.
    package func text(_ key: SettingKey) -> String? {
        self.config.string(forKey: ConfigKey(key.rawValue), isSecret: SettingCatalog[key].isSecret)
    }

    /// The value of a setting that has a default or is required.
    package func required(_ key: SettingKey) throws(SettingError) -> String {
        guard let text = self.text(key) else { throw .missing(key) }
        return text
    }

    /// The value of a whole-number setting.
    package func integer(_ key: SettingKey) throws(SettingError) -> Int {
        guard let number = self.config.int(forKey: ConfigKey(key.rawValue)) else { throw .missing(key) }
        return number
    }

    /// The value of a setting in seconds.
    package func seconds(_ key: SettingKey) throws(SettingError) -> Duration {
        guard let seconds = self.config.double(forKey: ConfigKey(key.rawValue)) else { throw .missing(key) }
        return .milliseconds(Int64((seconds * 1000).rounded()))
    }

    /// The value of an address setting.
    package func address(_ key: SettingKey) throws(SettingError) -> ListenAddress {
        guard let text = self.text(key) else { throw .missing(key) }
        guard let address = ListenAddress(text) else { throw self.invalid(key) }
        return address
    }

    /// The items of a list setting, in their order; empty when nothing is given.
    package func list(_ key: SettingKey) -> [String] {
        self.config.stringArray(
            forKey: ConfigKey(key.rawValue), isSecret: SettingCatalog[key].isSecret, default: [])
    }

    /// The error for a value whose meaning its user refuses: a range that is no range, a URL that is no URL.
    ///
    /// - Parameter value: The part that is wrong, when the setting is a list; never shown for secrets.
    package func invalid(_ key: SettingKey, value: String? = nil) -> SettingError {
        let setting = SettingCatalog[key]
        let shown = value ?? (setting.shape == .list ? self.list(key).joined(separator: ",") : self.text(key))
        return .unusable(
            key, value: setting.isSecret ? nil : shown, reason: "is not allowed; allowed: \(setting.allowed)")
    }
}
