import Policy
import Settings

extension PolicySource {
    init(_ settings: SettingReader) {
        self.init(file: settings.text(Setting.apiPolicyFile), directory: settings.text(Setting.apiPolicyDirectory))
    }

    /// Reads the policy, where what is wrong with it is wrong with a setting.
    func readBySettings() throws(SettingError) -> Policy {
        do throws(PolicyInvalid) {
            return try self.read()
        } catch {
            let isOfFile = self.file != nil && (self.directory == nil || error.path == self.file)
            throw .unusable(
                isOfFile ? Setting.apiPolicyFile : Setting.apiPolicyDirectory,
                value: isOfFile ? self.file : self.directory, reason: "cannot be used: \(error)")
        }
    }
}
