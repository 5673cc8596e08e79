package import Domain
package import Settings

extension SettingReader {
    /// Most entries of `metrics.queues`.
    private static let entriesMax = 32

    /// The queues whose messages are counted in metrics.
    package func measuredQueues() throws(SettingError) -> [ChosenQueues] {
        let texts = self.list(Setting.metricsQueues)
        guard texts.count <= Self.entriesMax else { throw self.invalid(Setting.metricsQueues) }
        var queues: [ChosenQueues] = []
        for text in texts {
            guard let some = ChosenQueues(text) else { throw self.invalid(Setting.metricsQueues, value: text) }
            queues.append(some)
        }
        return queues
    }
}
