package import ArgumentParser

/// The flags both processes have, as one `@OptionGroup`.
package struct CommonFlags: ParsableArguments {
    @Option(name: .customLong("config"), help: "The settings file (YAML).")
    package var config: String?
    @Option(name: .customLong("redis-url"), help: "The Redis that keeps everything.")
    package var redisURL: String?
    @Option(name: .customLong("redis-connections"), help: "Connections to Redis for pipelined commands.")
    package var redisConnections: String?
    @Option(name: .customLong("shards"), help: "Shards of the keys; fixed when the first process starts.")
    package var shards: String?
    @Option(
        name: .customLong("master-key"),
        help: "The key of all signing secrets. Others can see your command line: prefer HERALD_MASTER_KEY_FILE.")
    package var masterKey: String?
    @Option(
        name: .customLong("message-encryption-keys"),
        help: "Keys of encrypted message bodies, newest first. Others can see your command line: prefer a file.")
    package var messageEncryptionKeys: String?
    @Option(name: .customLong("log-level"), help: "The least important lines to log.")
    package var logLevel: String?
    @Option(name: .customLong("ready-file"), help: "A file that is there while the process serves.")
    package var readyFile: String?

    package init() {}

    /// What was given, for ``SettingReader``.
    ///
    /// `own` holds the process' own flags.
    package func settings(and own: [SettingKey: String?]) -> [SettingKey: String] {
        let common: [SettingKey: String?] = [
            .configFile: self.config, .redisURL: self.redisURL, .redisConnections: self.redisConnections,
            .shards: self.shards, .masterKey: self.masterKey,
            .messageEncryptionKeys: self.messageEncryptionKeys, .logLevel: self.logLevel, .readyFile: self.readyFile,
        ]
        return common.merging(own) { _, own in own }.compactMapValues { $0 }
    }
}
