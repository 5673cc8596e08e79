import Foundation

/// Settings given as `HERALD_…` variables; a secret also as `HERALD_…_FILE`, the path of a file that holds it.
enum EnvironmentSource {
    static let prefix = "HERALD_"
    /// Variables of our own test runs, which are no settings.
    static let testPrefix = "HERALD_TEST_"

    /// What the environment holds for Herald.
    struct Found {
        var settings: [Setting: SettingText] = [:]
        /// Variables that orchestrators set for their services, see ``ServiceLink``.
        var serviceLinks: [String] = []
    }

    static func read(_ environment: [String: String]) throws(SettingError) -> Found {
        var found = Found()
        for name in environment.keys.sorted() {
            guard name.hasPrefix(self.prefix), !name.hasPrefix(self.testPrefix),
                ClientVariable(rawValue: name) == nil
            else { continue }
            guard let value = environment[name] else { continue }
            if let setting = SettingCatalog.all.first(where: { $0.environment == name }) {
                found.settings[setting] = SettingText(text: value, source: .environment(name))
            } else if let setting = SettingCatalog.all.first(where: { $0.environmentFile == name }) {
                guard environment[setting.environment] == nil else {
                    throw .ambiguous(setting, setting.environment, name)
                }
                found.settings[setting] = SettingText(
                    text: try self.secret(at: value), source: .secretFile(variable: name, path: value))
            } else if ServiceLink.isOne(name, value: value) {
                found.serviceLinks.append(name)
            } else {
                throw .unknown(name: name, source: .environment(name), suggestion: self.suggestion(for: name))
            }
        }
        return found
    }

    private static func suggestion(for name: String) -> String? {
        // `…_FILE` of a setting that is no secret: the setting itself is meant.
        if let setting = SettingCatalog.all.first(where: { $0.environment + "_FILE" == name }) {
            return setting.environment
        }
        return NearestName.of(name, among: SettingCatalog.all.flatMap(\.environmentNames))
    }

    /// Reads a secret from its file.
    ///
    /// Blanks and newlines at its ends are not part of it, since editors add them.
    private static func secret(at path: String) throws(SettingError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw .unreadable(
                path: path, reason: "the secret in this file cannot be read (\(FileFault.words(readingPath: path)))")
        }
    }
}
