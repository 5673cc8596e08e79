/// Settings given on the command line.
enum FlagSource {
    static func read(_ flags: [SettingKey: String]) throws(SettingError) -> [SettingKey: SettingText] {
        var found: [SettingKey: SettingText] = [:]
        for (key, text) in flags {
            found[key] = SettingText(text: text, source: .flag(SettingCatalog[key].flag))
        }
        return found
    }
}
