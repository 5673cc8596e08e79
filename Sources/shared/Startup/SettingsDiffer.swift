import Runtime
package import Settings

/// Settings that are not what the other processes of the deployment have: the process may not serve until they agree.
package struct SettingsDiffer: NotNow, Equatable, CustomStringConvertible {
    /// What differs, in the order of the catalogue.
    package let differences: [Difference]

    package struct Difference: Sendable, Equatable {
        package let setting: Setting
        /// What the process has.
        package let own: AgreedValue
        /// What the deployment has.
        package let kept: String

        /// One clause for the operator; of keys it names ids, from which they cannot be found.
        package var description: String {
            switch self.own {
            case .text:
                "\(self.setting) is \(self.own.shown), and \(self.kept.isEmpty ? "unset" : self.kept) in the deployment"
            case .keys: "\(self.setting) has the key ids \(self.own.shown), and the deployment \(self.kept)"
            }
        }
    }

    package init(_ differences: [Difference]) {
        self.differences = differences
    }

    package var description: String {
        self.differences.map(\.description).joined(separator: "; ")
            + ": correct it here, or run `herald settings accept` with the settings of this process"
    }

    package var reason: String {
        "settings differ from the deployment's: " + self.differences.map(\.setting.name).joined(separator: ", ")
    }
}
