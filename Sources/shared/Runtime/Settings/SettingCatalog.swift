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
        case .confirmationRequired:
            Setting(
                key, flag: Self.flag(key), default: "false", shape: .oneOf(["false", "true"]),
                meaning: "Whether subscribers are asked to confirm, and notified only once they have. Takes "
                    + "`signed.url.keys`. The same for both processes.")
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
        case .apiPublicURL:
            Setting(
                key, flag: "--public-url", default: nil, shape: .text, processes: [.api],
                allowed: "an http or https URL without a query",
                meaning:
                    "The root of the REST API as subscribers reach it, named in confirmations. A path in it is kept.")
        case .apiSubscriberTypes:
            Setting(
                key, flag: Self.flag(key), default: "http,https,mailto", shape: .list, processes: [.api],
                allowed: "some of http, https, mailto, commas between",
                meaning: "The kinds of subscriber that can be subscribed. Those that are already, stay.")
        case .limitsPageQueues:
            Setting(
                key, flag: Self.flag(key), default: "20", shape: .integer(1...100_000), processes: [.api],
                meaning: "Largest `limit` of a list of queues.")
        case .limitsPageMessages:
            Setting(
                key, flag: Self.flag(key), default: "20", shape: .integer(1...100_000), processes: [.api],
                meaning:
                    "Largest `limit` of a list of messages, and most `ids`, 100 at the utmost.")
        case .limitsPageSubscriptions:
            Setting(
                key, flag: Self.flag(key), default: "20", shape: .integer(1...100_000), processes: [.api],
                meaning: "Largest `limit` of a list of subscriptions.")
        case .limitsClaimMessages:
            Setting(
                key, flag: Self.flag(key), default: "20", shape: .integer(1...100), processes: [.api],
                meaning: "Most messages one claim or one pop may take.")
        case .limitsQueueMetadata:
            Setting(
                key, flag: Self.flag(key), default: "65536", shape: .integer(1...16_777_216), processes: [.api],
                meaning: "Bytes in the body of a queue PUT or PATCH.")
        case .limitsPostSize:
            Setting(
                key, flag: Self.flag(key), default: "262144", shape: .integer(1...67_108_864), processes: [.api],
                meaning: "Bytes in the body of a message post; queues may set less for themselves.")
        case .limitsMessageTTL:
            Setting(
                key, flag: Self.flag(key), default: "1209600", shape: .integer(60...2_147_483_647), processes: [.api],
                meaning: "Most seconds a message may live.")
        case .limitsMessageDelay:
            Setting(
                key, flag: Self.flag(key), default: "900", shape: .integer(0...2_147_483_647), processes: [.api],
                meaning: "Most seconds a message may be held back.")
        case .limitsClaimTTL:
            Setting(
                key, flag: Self.flag(key), default: "43200", shape: .integer(60...2_147_483_647), processes: [.api],
                meaning: "Most seconds a claim may hold.")
        case .limitsClaimGrace:
            Setting(
                key, flag: Self.flag(key), default: "43200", shape: .integer(60...2_147_483_647), processes: [.api],
                meaning: "Most seconds a claim may keep its messages alive beyond its own end.")
        case .defaultsMessageTTL:
            Setting(
                key, flag: Self.flag(key), default: "3600", shape: .integer(60...2_147_483_647), processes: [.api],
                meaning: "Seconds a message lives when neither it nor its queue says. At most `limits.message.ttl`.")
        case .defaultsMessageDelay:
            Setting(
                key, flag: Self.flag(key), default: "0", shape: .integer(0...2_147_483_647), processes: [.api],
                meaning:
                    "The delay queues show that set none; it holds no message back. At most `limits.message.delay`.")
        case .defaultsClaimTTL:
            Setting(
                key, flag: Self.flag(key), default: "300", shape: .integer(60...2_147_483_647), processes: [.api],
                meaning: "Seconds a claim holds that does not say. At most `limits.claim.ttl`.")
        case .defaultsClaimGrace:
            Setting(
                key, flag: Self.flag(key), default: "60", shape: .integer(60...2_147_483_647), processes: [.api],
                meaning: "Seconds of grace of a claim that does not say. At most `limits.claim.grace`.")
        case .defaultsSubscriptionTTL:
            Setting(
                key, flag: Self.flag(key), default: "3600", shape: .integer(60...2_147_483_647), processes: [.api],
                meaning: "Seconds a subscription lives that does not say.")
        case .clientIDForm:
            Setting(
                key, flag: Self.flag(key), default: "uuid", shape: .oneOf(["uuid", "any"]), processes: [.api],
                meaning: "What the header Client-ID must be: a UUID, or any text of the lengths below.")
        case .clientIDLengthMin:
            Setting(
                key, flag: Self.flag(key), default: "10", shape: .integer(1...256), processes: [.api],
                meaning: "Fewest characters of a Client-ID of any form.")
        case .clientIDLengthMax:
            Setting(
                key, flag: Self.flag(key), default: "36", shape: .integer(1...256), processes: [.api],
                meaning: "Most characters of a Client-ID of any form.")
        case .messageDeleteNeedsClaim:
            Setting(
                key, flag: Self.flag(key), default: "false", shape: .oneOf(["false", "true"]), processes: [.api],
                meaning: "Whether deleting messages by `ids` takes the `claim_ids` they are held by.")
        case .messageChecksum:
            Setting(
                key, flag: Self.flag(key), default: "none", shape: .oneOf(["none", "md5"]), processes: [.api],
                meaning: "Whether messages show a checksum of their body, for clients that compare it.")
        case .messageEncryptionKeys:
            Setting(
                key, flag: Self.flag(key), default: nil, shape: .list, isSecret: true,
                allowed: "keys of at least 32 bytes, in base64 or hexadecimal digits, commas between, newest first",
                meaning: "The keys of encrypted message bodies: the first one encrypts, every one decrypts. Without it "
                    + "the key is derived from `master.key`, which always decrypts.")
        case .apiAdminMode:
            Setting(
                key, flag: Self.flag(key), default: "false", shape: .oneOf(["false", "true"]), processes: [.api],
                meaning: "Whether the routes for administrators, such as `/v2/health`, are served.")
        case .apiPooling:
            Setting(
                key, flag: Self.flag(key), default: nil, shape: .oneOf(["false", "true"]), processes: [.api],
                meaning: "Whether the routes of pools and flavors are among those for administrators. Without it they "
                    + "are wherever those are. Queues live on their pools either way.")
        case .corsOrigins:
            Setting(
                key, flag: Self.flag(key), default: nil, shape: .list, processes: [.api],
                meaning: "The origins whose pages may call the API from a browser; `*` for all. Without it CORS is off."
            )
        case .corsCredentials:
            Setting(
                key, flag: Self.flag(key), default: "true", shape: .oneOf(["false", "true"]), processes: [.api],
                meaning: "Whether browsers may send credentials along. Never to `*`.")
        case .corsMaxAge:
            Setting(
                key, flag: Self.flag(key), default: "3600", shape: .integer(0...86_400), processes: [.api],
                meaning: "Seconds a browser may keep the answer to a preflight.")
        case .corsMethods:
            Setting(
                key, flag: Self.flag(key), default: "GET,PUT,POST,DELETE,PATCH,HEAD", shape: .list, processes: [.api],
                meaning: "The methods browsers may use.")
        case .corsHeadersAllowed:
            Setting(
                key, flag: Self.flag(key),
                default: "X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,"
                    + "X-OpenStack-Request-ID,X-Trace-Info,X-Trace-HMAC,Client-ID,X-Project-Id,"
                    + "URL-Signature,URL-Expires,URL-Methods,URL-Paths,Content-Type",
                shape: .list, processes: [.api], meaning: "The headers browsers may send.")
        case .corsHeadersExposed:
            Setting(
                key, flag: Self.flag(key),
                default: "X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID",
                shape: .list, processes: [.api], meaning: "The headers of answers that pages may read.")
        case .notifierAdminListen:
            Setting(
                key, flag: "--admin-listen", default: "127.0.0.1:8890", shape: .address, processes: [.notifier],
                meaning: "Where a notifier answers `/livez`, `/readyz` and `/metrics`. Keep it off public networks.")
        case .notifierConcurrency:
            Setting(
                key, flag: "--concurrency", default: "8192", shape: .integer(1...100_000), processes: [.notifier],
                meaning: "Attempts one notifier has under way at once. Each holds a socket: the limit of open files "
                    + "must be higher.")
        case .notifierHostConcurrency:
            Setting(
                key, flag: "--host-concurrency", default: "1024", shape: .integer(1...100_000), processes: [.notifier],
                meaning:
                    "Attempts one notifier has under way at once to one host and port, so that a slow one with many "
                    + "subscriptions leaves room for others. What is beyond waits for about a second.")
        case .notifierLease:
            Setting(
                key, flag: "--lease", default: "15", shape: .seconds(5...600), processes: [.notifier],
                meaning: "How long a delivery belongs to a notifier that no longer reports. Renewed while an attempt "
                    + "runs, so this is how soon others take over from a dead one.")
        case .notifierDrain:
            Setting(
                key, flag: "--drain", default: "20", shape: .seconds(1...3600), processes: [.notifier],
                meaning: "How long attempts under way may take to finish after SIGTERM; the rest is handed back.")
        case .notifierDisableAfter:
            Setting(
                key, flag: "--disable-after", default: "0", shape: .seconds(0...31_536_000), processes: [.notifier],
                meaning: "How long nothing but failures may come of a subscription until nothing is sent to it any "
                    + "more and its backlog waits for a `POST …/resume`. 0: never, messages end one by one.")
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

    /// The key with dashes for its dots.
    private static func flag(_ key: SettingKey) -> String {
        "--" + key.rawValue.split(separator: ".").joined(separator: "-")
    }
}
