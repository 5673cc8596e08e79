package import Domain
package import Settings

extension SettingReader {
    /// What is followed where neither a subscription nor its queue has a retry policy: the name of a schedule, or its waits.
    package func retryPolicyDefault() throws(SettingError) -> RetryPolicy {
        let texts = self.list(Setting.defaultsRetry)
        guard let first = texts.first else { return RetryPolicy() }
        if texts.count == 1, let preset = RetryPolicy.Preset(rawValue: first) { return preset.policy }
        let waits = texts.compactMap { Int($0) }
        guard waits.count == texts.count, waits.count <= RetryPolicy.waitsMax,
            waits.allSatisfy((0...RetryPolicy.delaySecondsMax).contains)
        else { throw self.invalid(Setting.defaultsRetry, value: texts.joined(separator: ",")) }
        return RetryPolicy(waits: waits)
    }
}
