package import Runtime

/// The environment of a child: ours, with the settings of the house in place of any of the same name.
package enum DevEnvironment {
    package static func make(
        from environment: [String: String], settings: [SettingKey: String], secretFiles: [SettingKey: String]
    ) -> [String: String] {
        var made = environment
        // Both spellings go: one left beside the other would be an ambiguity.
        for key in Array(settings.keys) + Array(secretFiles.keys) {
            for name in SettingCatalog[key].environmentNames { made[name] = nil }
        }
        for (key, value) in settings { made[SettingCatalog[key].environment] = value }
        for (key, path) in secretFiles {
            if let name = SettingCatalog[key].environmentFile { made[name] = path }
        }
        return made
    }
}
