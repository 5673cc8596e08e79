/// Everything that can be set, in one table.
///
/// `docs/configuration.md` and `deploy/config/herald.example.yaml` are held against it by tests, both ways. A new setting
/// is a case of ``SettingKey``, a row here, a row there, and a test that fails when the setting is ignored.
package enum SettingCatalog {
    package static let all: [Setting] = SettingKey.allCases.map { SettingCatalog[$0] }

    /// The settings a process reads itself; a file or an environment may hold those of others too.
    package static func settings(of process: ProcessKind) -> [Setting] {
        self.all.filter { $0.processes.contains(process) }
    }

    package static subscript(key: SettingKey) -> Setting {
        switch key {
        case .redisURL:
            Setting(
                key, flag: "--redis-url", default: "redis://127.0.0.1:6379/0", shape: .text, isSecret: true,
                allowed: "redis://[user:password@]host[:port][/db] or unix://[user:password@]/path[?db=N]",
                meaning: "The Redis (6.2 or newer) or Valkey that keeps everything.")
        case .redisConnections:
            Setting(
                key, flag: "--redis-connections", default: "2", shape: .integer(1...64),
                meaning: "Connections for pipelined commands. Blocking reads have their own.")
        case .shards:
            Setting(
                key, flag: "--shards", default: "16", shape: .integer(1...256),
                meaning: "Shards of the keys. Fixed when the first process starts on an empty Redis; "
                    + "a process with another number refuses to start.")
        case .masterKey:
            Setting(
                key, flag: "--master-key", default: nil, shape: .text, isSecret: true, isRequired: true,
                allowed: "at least 32 bytes, in base64 or hexadecimal digits",
                meaning: "The key every signing secret is derived from. Keep it: another key gives every subscription "
                    + "another secret. `herald dev` makes and keeps one.")
        case .signedURLKeys:
            Setting(
                key, flag: "--signed-url-keys", default: nil, shape: .list, processes: [.api], isSecret: true,
                allowed: "texts without commas or blanks, commas between, newest first",
                meaning: "The keys of pre-signed URLs: the first one signs, every one verifies.")
        case .apiListen:
            Setting(
                key, flag: "--listen", default: "127.0.0.1:8888", shape: .address, processes: [.api],
                meaning: "Where the REST API listens.")
        case .apiAdminListen:
            Setting(
                key, flag: "--admin-listen", default: "127.0.0.1:8889", shape: .address, processes: [.api],
                meaning: "Where the API answers `/livez`, `/readyz` and `/metrics`. Keep it off public networks.")
        case .apiAuth:
            Setting(
                key, flag: "--auth", default: "none", shape: .oneOf(["none"]), processes: [.api],
                meaning: "How callers are authenticated. `none` trusts the identity headers of the caller.")
        case .apiDrain:
            Setting(
                key, flag: "--drain", default: "10", shape: .seconds(1...3600), processes: [.api],
                meaning: "How long requests under way may take to finish after SIGTERM.")
        case .notifierAdminListen:
            Setting(
                key, flag: "--admin-listen", default: "127.0.0.1:8890", shape: .address, processes: [.notifier],
                meaning: "Where a notifier answers `/livez`, `/readyz` and `/metrics`. Keep it off public networks.")
        case .notifierConcurrency:
            Setting(
                key, flag: "--concurrency", default: "8192", shape: .integer(1...100_000), processes: [.notifier],
                meaning: "Attempts one notifier has under way at once. Each holds a socket: the limit of open files "
                    + "must be higher.")
        case .notifierLease:
            Setting(
                key, flag: "--lease", default: "15", shape: .seconds(5...600), processes: [.notifier],
                meaning: "How long a delivery belongs to a notifier that no longer reports. Renewed while an attempt "
                    + "runs, so this is how soon others take over from a dead one.")
        case .notifierDrain:
            Setting(
                key, flag: "--drain", default: "20", shape: .seconds(1...3600), processes: [.notifier],
                meaning: "How long attempts under way may take to finish after SIGTERM; the rest is handed back.")
        case .webhookConnectTimeout:
            Setting(
                key, flag: "--webhook-connect-timeout", default: "5", shape: .seconds(1...60), processes: [.notifier],
                meaning: "How long name, connection and TLS of a webhook may take.")
        case .webhookTimeout:
            Setting(
                key, flag: "--webhook-timeout", default: "30", shape: .seconds(1...300), processes: [.notifier],
                meaning: "How long the whole exchange of a webhook may take, the answer's body included.")
        case .egressAllow:
            Setting(
                key, flag: "--egress-allow", default: nil, shape: .list, processes: [.notifier],
                allowed: "address ranges such as 10.1.0.0/16 or fd00::/8, commas between",
                meaning: "Non-public ranges webhooks may reach. Without it every private, loopback, link-local, "
                    + "multicast and metadata address is refused.")
        case .logLevel:
            Setting(
                key, flag: "--log-level", default: "info",
                shape: .oneOf(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
                meaning: "The least important lines to log, on standard error.")
        case .readyFile:
            Setting(
                key, flag: "--ready-file", default: nil, shape: .text,
                allowed: "a path in a folder that exists and can be written",
                meaning: "A file of one JSON object (`pid`, `listen`, `admin`), there while the process serves.")
        case .configFile:
            Setting(
                key, flag: "--config", default: nil, shape: .text, allowed: "the path of a YAML file",
                meaning: "The settings file. It may hold the settings of both processes.")
        }
    }
}
