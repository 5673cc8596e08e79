package import Configuration

/// All settings of one process, read and checked as a whole.
///
/// Sockets that were passed win over flags, flags over the environment, the environment over the file, the file over the defaults.
/// Making a reader reads all of them, so a mistake anywhere, also in a value another source overrides, is found before the first socket opens.
package struct SettingReader: Sendable {
    /// The process these settings are for.
    package let process: ProcessKind
    /// The checked values under their keys: integers, seconds as doubles, lists as arrays, the rest as text.
    package let config: ConfigReader
    /// Variables that look like settings and belong to an orchestrator's services, in their order; not read.
    package let ignored: [String]
    private let sockets: PassedSockets
    /// What a socket, a flag, the environment or the file gave.
    private let given: [Setting: String]

    /// - Parameters:
    ///   - flags: What the command line gave, as it was spelled there.
    ///   - environment: All variables; those that do not start with `HERALD_` are not looked at.
    ///   - required: What has to be given; nil: what the process cannot do without.
    package init(
        for process: ProcessKind, flags: [Setting: String], environment: [String: String],
        requiring required: [Setting]? = nil
    ) throws(SettingError) {
        self.process = process
        self.sockets = try PassedSockets(environment, for: process)
        let fromSockets = self.sockets.addresses.mapValues { SettingText(text: $0.description, source: .socket) }
        let fromFlags = Dictionary(
            uniqueKeysWithValues: flags.map { ($0, SettingText(text: $1, source: .flag($0.flag))) })
        let environmentFound = try EnvironmentSource.read(environment)
        self.ignored = environmentFound.serviceLinks
        let fromEnvironment = environmentFound.settings
        let path = fromFlags[Setting.configFile] ?? fromEnvironment[Setting.configFile]
        let fromFile = try path.map { path throws(SettingError) in try FileSource.read(path: path.text) } ?? [:]
        let defaults = SettingCatalog.all.compactMap { setting in
            setting.default.map { (setting, SettingText(text: $0, source: .file("the defaults"))) }
        }
        let layers = [fromSockets, fromFlags, fromEnvironment, fromFile, Dictionary(uniqueKeysWithValues: defaults)]

        self.given = layers.dropLast().reversed().reduce(into: [:]) { given, layer in
            for (setting, value) in layer { given[setting] = value.text }
        }

        var providers: [InMemoryProvider] = []
        for (layer, name) in zip(layers, ["sockets", "flags", "environment", "file", "defaults"]) {
            var values: [AbsoluteConfigKey: ConfigValue] = [:]
            for (setting, given) in layer {
                let content = try setting.content(of: given)
                values[AbsoluteConfigKey(ConfigKey(setting.name))] = ConfigValue(content, isSecret: setting.isSecret)
            }
            providers.append(InMemoryProvider(name: name, values: values))
        }
        self.config = ConfigReader(providers: providers)
        for setting in required ?? SettingCatalog.settings(of: process).filter(\.isRequired) {
            guard layers.contains(where: { $0[setting] != nil }) else { throw .missing(setting) }
        }
    }

    /// What was given and is not the default: `<name>=<value>`, by name.
    ///
    /// Of a secret, and of a text that may hold one, `***`: a URL with a password, a program with arguments.
    package var changed: [String] {
        self.given.filter { $0.value != $0.key.default }.sorted { $0.key.name < $1.key.name }
            .map { setting, value in
                let mayHoldSecret =
                    setting.isSecret || setting == Setting.emailCommand || value.contains("@") && value.contains("://")
                return "\(setting.name)=\(mayHoldSecret ? "***" : value)"
            }
    }

    /// Whether a flag, the environment or the file gave a value, so that it is not the default.
    package func isGiven(_ setting: Setting) -> Bool { self.given[setting] != nil }

    /// Refuses settings that are given, and are not the default, where something else leaves them without effect.
    ///
    /// - Parameters:
    ///   - prefix: Of their names.
    ///   - others: Those of them that have an effect all the same.
    ///   - words: Behind "has no effect", what they take.
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` for the first of them.
    package func refuse(
        namesWith prefix: String, but others: [Setting] = [], without words: String
    ) throws(SettingError) {
        for setting in SettingCatalog.settings(of: self.process) where setting.name.hasPrefix(prefix) {
            guard !others.contains(setting), let text = self.given[setting], text != setting.default else { continue }
            throw .unusable(setting, value: setting.isSecret ? nil : text, reason: "has no effect without \(words)")
        }
    }

    /// The value of a setting that is text, an address or one of some words; nil when nothing is given.
    package func text(_ setting: Setting) -> String? {
        self.config.string(forKey: ConfigKey(setting.name), isSecret: setting.isSecret)
    }

    /// The value of a setting that has a default or is required.
    package func required(_ setting: Setting) throws(SettingError) -> String {
        guard let text = self.text(setting) else { throw .missing(setting) }
        return text
    }

    /// The value of a setting that is false or true; nil when nothing is given.
    package func boolean(_ setting: Setting) -> Bool? {
        self.config.bool(forKey: ConfigKey(setting.name))
    }

    /// The value of a whole-number setting.
    package func integer(_ setting: Setting) throws(SettingError) -> Int {
        guard let number = self.config.int(forKey: ConfigKey(setting.name)) else { throw .missing(setting) }
        return number
    }

    /// The value of a setting in seconds.
    package func seconds(_ setting: Setting) throws(SettingError) -> Duration {
        guard let seconds = self.config.double(forKey: ConfigKey(setting.name)) else { throw .missing(setting) }
        return .milliseconds(Int64((seconds * 1000).rounded()))
    }

    /// The value of an address setting.
    package func address(_ setting: Setting) throws(SettingError) -> ListenAddress {
        if let passed = self.sockets.addresses[setting] { return passed }
        guard let text = self.text(setting) else { throw .missing(setting) }
        guard let address = ListenAddress(text) else { throw self.invalid(setting) }
        return address
    }

    /// The items of a list setting, in their order; empty when nothing is given.
    package func list(_ setting: Setting) -> [String] {
        self.config.stringArray(
            forKey: ConfigKey(setting.name), isSecret: setting.isSecret, default: [])
    }

    /// The error for a value whose meaning its user refuses: a range that is no range, a URL that is no URL.
    ///
    /// - Parameter value: The part that is wrong, when the setting is a list; never shown for secrets.
    package func invalid(_ setting: Setting, value: String? = nil) -> SettingError {
        let shown = value ?? (setting.shape == .list ? self.list(setting).joined(separator: ",") : self.text(setting))
        return .unusable(
            setting, value: setting.isSecret ? nil : shown, reason: "is not allowed; allowed: \(setting.allowed)")
    }
}
