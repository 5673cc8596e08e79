package import Settings

/// The environment of a child: ours, with the settings of the deployment in place of any of the same name.
package enum DevEnvironment {
    package static func make(
        from environment: [String: String], settings: [Setting: String], secretFiles: [Setting: String]
    ) -> [String: String] {
        var made = environment
        // Both spellings go: one left beside the other would be an ambiguity.
        for setting in Array(settings.keys) + Array(secretFiles.keys) {
            for name in setting.environmentNames { made[name] = nil }
        }
        for (setting, value) in settings { made[setting.environment] = value }
        for (setting, path) in secretFiles {
            if let name = setting.environmentFile { made[name] = path }
        }
        return made
    }
}
