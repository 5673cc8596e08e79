import Runtime
package import Settings

/// Settings that are not what the other processes of the deployment have: the process may not serve until they agree.
package struct SettingsDiffer: NotNow, Equatable, CustomStringConvertible {
    /// What differs, in the order of the catalogue.
    package let differences: [Difference]

    package struct Difference: Sendable, Equatable {
        package let setting: Setting
        /// What the deployment has and what the process has; nil for a secret.
        package let values: (kept: String, own: String)?

        package static func == (one: Self, other: Self) -> Bool {
            one.setting == other.setting && one.values?.kept == other.values?.kept
                && one.values?.own == other.values?.own
        }

        /// One clause for the operator, without a secret.
        package var description: String {
            guard let values = self.values else { return "\(self.setting) is another one than the deployment's" }
            return "\(self.setting) is \(values.own), and \(values.kept) in the deployment"
        }
    }

    /// - Parameter kept: What differs in the store, by the name of the setting.
    init(kept: [String: String], own: [String: String]) {
        self.differences = SettingCatalog.all.compactMap { setting in
            guard let kept = kept[setting.name], let own = own[setting.name] else { return nil }
            return Difference(setting: setting, values: setting.isSecret ? nil : (kept, own))
        }
    }

    package var description: String {
        self.differences.map(\.description).joined(separator: "; ")
            + ": correct it here, or run `herald settings accept` with the settings of this process"
    }

    package var reason: String {
        "settings differ from the deployment's: " + self.differences.map(\.setting.name).joined(separator: ", ")
    }
}
