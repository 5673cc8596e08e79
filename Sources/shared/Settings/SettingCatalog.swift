/// Every setting of every process: one entry each, and nothing about a setting is written anywhere else.
///
/// The command lines, `--help`, the names in the environment and in the file, and the checks of values derive from the
/// entries; `docs/configuration.md` and `deploy/config/herald.example.yaml` are written from them by `scripts/settings`
/// and compared with them by a test. An entry is used as `Setting.shards`.
///
/// To add a setting: add its entry here, read it in one place, run `scripts/settings`, and extend
/// `SettingReachTests` with a value and where it arrives.
package struct SettingCatalog: Sendable {
    static let shared = SettingCatalog()

    /// The entries in the order they are written below.
    package static let all: [Setting] = Mirror(reflecting: shared).children.compactMap { $0.value as? Setting }

    /// The settings a process reads itself; a file or an environment may hold those of others too.
    package static func settings(of process: ProcessKind) -> [Setting] {
        self.all.filter { $0.processes.contains(process) }
    }

    static func setting(named name: String) -> Setting? { self.byName[name] }

    private static let byName = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) })

    package let redisURL = Setting(
        "redis.url", default: "redis://127.0.0.1:6379/0", shape: .text, isSecret: true,
        allowed: "redis://[user:password@]host[:port][/db], unix://[user:password@]/path[?db=N], "
            + "redis+sentinel://[user:password@]host[:port],…/master[/db][?sentinel_username=…&sentinel_password=…] or "
            + "redis+cluster://[user:password@]host[:port],…; with rediss in place of redis for TLS",
        meaning:
            "The Redis (6.2 or newer) or Valkey that keeps everything, the Sentinels that know where it is, or nodes of a "
            + "cluster.")

    package let redisTLSCAFile = Setting(
        "redis.tls.ca.file", shape: .text, allowed: "the path of a PEM file",
        meaning:
            "Certificates that may sign that of a Redis behind `rediss://`, pools included, and no others. Without it those of the "
            + "system. Read again when it changes.")

    package let redisTLSCertificateFile = Setting(
        "redis.tls.certificate.file", shape: .text, allowed: "the path of a PEM file",
        meaning: "The certificate for a Redis that asks for one (`tls-auth-clients`). Takes `redis.tls.key.file`.")

    package let redisTLSKeyFile = Setting(
        "redis.tls.key.file", shape: .text, allowed: "the path of a PEM file without a passphrase",
        meaning: "The private key of `redis.tls.certificate.file`.")

    package let redisConnections = Setting(
        "redis.connections", default: "2", shape: .integer(1...64),
        meaning: "Connections for pipelined commands. Blocking reads have their own.")

    package let redisDurability = Setting(
        "redis.durability", default: "memory", shape: .oneOf(["memory", "disk", "replicated"]),
        meaning:
            "How far a message has to get before its post is answered 201: into the memory of Redis, onto its disk "
            + "(before Redis 7.2 by `appendfsync always`), or into the memory of replicas. A queue may ask for less by "
            + "`_durability`. "
            + "Alike in every process.")

    package let redisReplicas = Setting(
        "redis.replicas", default: "1", shape: .integer(1...16),
        meaning: "Replicas that have to have a message with `redis.durability: replicated`.")

    package let redisReplicationTimeout = Setting(
        "redis.replication.timeout", default: "1", shape: .seconds(1...3),
        meaning:
            "How long replicas are waited for. After it a post is answered 503: it is stored, and may be lost in a "
            + "failover.")

    package let shards = Setting(
        "shards", default: "16", shape: .integer(1...256),
        meaning: "Shards of the keys. Fixed when the first process starts on an empty Redis; "
            + "a process with another number refuses to start.")

    package let masterKey = Setting(
        "master.key", shape: .list, isSecret: true, isRequired: true,
        allowed: "at least 32 bytes, in base64 or hexadecimal digits; two with a comma between while it is changed",
        meaning: "The key every signing secret is derived from. Keep it: another key gives every subscription "
            + "another secret. Of two both sign and open, and the first is the one that subscribers are shown secrets of. Every process must have the same. "
            + "`herald dev` makes and keeps one.")

    package let signedURLKeys = Setting(
        "signed.url.keys", shape: .list, processes: [.api], isSecret: true,
        allowed: "texts without commas or blanks, commas between, newest first",
        meaning:
            "The keys of pre-signed URLs: the first one signs, every one verifies. Every process must be able to verify what another signs."
    )

    package let confirmationRequired = Setting(
        "confirmation.required", default: "false", shape: .boolean,
        meaning: "Whether webhooks are asked to confirm, and notified only once they have. Takes "
            + "`signed.url.keys`. The same for both processes.")

    package let emailConfirmation = Setting(
        "email.confirmation", default: "true", shape: .boolean,
        meaning:
            "Whether subscribers with mail addresses are asked to confirm, and sent mail only once they have, whatever "
            + "`confirmation.required` says. Takes `api.public.url` or `email.confirmation.url`. The same for both processes."
    )

    package let emailConfirmationURL = Setting(
        "email.confirmation.url", shape: .text, processes: [.api],
        allowed: "an http or https URL of at most 512 ASCII characters without a fragment",
        meaning:
            "A page of yours that confirmation mails lead to, instead of the one of the API. It gets the parameters "
            + "`Signature`, `Methods`, `Paths`, `Project`, `Expires`, `Url` and `Queue`. Takes `signed.url.keys`.")

    package let emailConfirmationsDaily = Setting(
        "email.confirmations.daily", default: "20", shape: .integer(1...1000), processes: [.api],
        meaning:
            "Most confirmation mails to one address in 24 hours, from all projects together; the rest is sent later. "
            + "With those of seven days waiting, a further one is refused (503).")

    package let emailLinkKeys = Setting(
        "email.link.keys", shape: .list, isSecret: true,
        allowed: "up to 16 keys of at least 32 bytes, in base64 or hexadecimal digits, commas between, newest first",
        meaning:
            "The keys of the links in mails: the first one makes them, every one reads them. Without it the key is "
            + "derived from `master.key`, which always reads. Every process must be able to read what another made.")

    package let emailPagesPrefix = Setting(
        "email.pages.prefix", shape: .text,
        allowed: "a path such as /mail, of letters, digits, hyphens and underscores, not below /v2",
        meaning:
            "What stands before `/confirm` and `/unsubscribe` in the addresses of the pages for subscribers. The same for "
            + "both processes.")

    package let emailTemplates = Setting(
        "email.templates", shape: .text, allowed: "the path of a folder",
        meaning: "Texts of mails and pages in place of the built-in English ones, see docs/leaving.md.")

    package let apiListen = Setting(
        "api.listen", flag: "--listen", default: "127.0.0.1:8888", shape: .address, processes: [.api],
        meaning: "Where the REST API listens.")

    package let apiAdminListen = Setting(
        "api.admin.listen", flag: "--admin-listen", default: "127.0.0.1:8889", shape: .address, processes: [.api],
        meaning: "Where the API answers `/livez`, `/readyz` and `/metrics`. Keep it off public networks.")

    package let apiWebSocketListen = Setting(
        "api.websocket.listen", flag: "--websocket-listen", default: "127.0.0.1:9000", shape: .address,
        processes: [.api],
        meaning:
            "Where the API listens for the WebSocket protocol alone; `/v2/websocket` of `api.listen` speaks it too.")

    package let apiTLSCertificateFile = Setting(
        "api.tls.certificate.file", shape: .text, processes: [.api], allowed: "the path of a PEM file",
        meaning:
            "The certificate of `api.listen` and `api.websocket.listen`, and behind it those between it and its authority: both "
            + "then take TLS 1.2 and 1.3 only. Takes `api.tls.key.file`. Read again when it changes, see docs/operations.md."
    )

    package let apiTLSKeyFile = Setting(
        "api.tls.key.file", shape: .text, processes: [.api], allowed: "the path of a PEM file without a passphrase",
        meaning: "The private key of `api.tls.certificate.file`.")

    package let apiTLSClientCAFile = Setting(
        "api.tls.client.ca.file", shape: .text, processes: [.api], allowed: "the path of a PEM file",
        meaning:
            "Certificates that may sign those of clients. With it every client has to have one; who it is, says `api.auth` all "
            + "the same.")

    package let adminTLSCertificateFile = Setting(
        "admin.tls.certificate.file", shape: .text, allowed: "the path of a PEM file",
        meaning:
            "The certificate of `api.admin.listen` and `notifier.admin.listen`, as `api.tls.certificate.file` is for callers. Takes "
            + "`admin.tls.key.file`.")

    package let adminTLSKeyFile = Setting(
        "admin.tls.key.file", shape: .text, allowed: "the path of a PEM file without a passphrase",
        meaning: "The private key of `admin.tls.certificate.file`.")

    package let adminTLSClientCAFile = Setting(
        "admin.tls.client.ca.file", shape: .text, allowed: "the path of a PEM file",
        meaning:
            "Certificates that may sign those of who asks the admin listeners. With it every client has to have one.")

    package let apiWebSocketOrigins = Setting(
        "api.websocket.origins", shape: .list, processes: [.api], allowed: "origins, commas between",
        meaning:
            "The origins whose pages may connect, `https://page.example`. Without it all may; programs, which send none, "
            + "always may.")

    package let apiWebSocketMessage = Setting(
        "api.websocket.message", default: "1048576", shape: .integer(1_048_576...67_108_864), processes: [.api],
        meaning:
            "Bytes of one message of a client, counted over its fragments, and never less than twice `limits.post.size`. A "
            + "longer one ends the connection with code 1009.")

    package let apiWebSocketFrames = Setting(
        "api.websocket.frames", default: "1000", shape: .integer(1...1_000_000), processes: [.api],
        meaning:
            "Notifications that may wait for one client to read them. With more its connection ends with code 1013.")

    package let apiWebSocketBytes = Setting(
        "api.websocket.bytes", default: "8388608", shape: .integer(65_536...1_073_741_824), processes: [.api],
        meaning:
            "Bytes of notifications that may wait for one client; a single one may be larger. Beyond `api.bytes.in.flight` in "
            + "the whole process, the client with the most ends.")

    package let apiWebSocketPing = Setting(
        "api.websocket.ping", default: "30", shape: .seconds(1...3600), processes: [.api],
        meaning: "How often a client is sent a ping.")

    package let apiWebSocketSilence = Setting(
        "api.websocket.silence", default: "120", shape: .seconds(2...86_400), processes: [.api],
        meaning:
            "How long nothing may come from a client, pongs included, before its connection ends. More than "
            + "`api.websocket.ping`.")

    package let apiWebSocketAnonymous = Setting(
        "api.websocket.anonymous", default: "30", shape: .seconds(0...3600), processes: [.api],
        meaning:
            "How long a connection may be without an identity, where callers are authenticated, before it ends with code 4003; "
            + "a pre-signed request counts anew. 0: for ever.")

    package let apiAuth = Setting(
        "api.auth", flag: "--auth", default: "none", shape: .oneOf(["none", "keys", "keystone"]), processes: [.api],
        meaning:
            "How callers are authenticated, see docs/identity.md. `keystone` validates their tokens, and takes `api.keystone.url`, "
            + "`api.keystone.user` and `api.keystone.password`. `keys` takes API keys, which `herald key` makes. `none` trusts the identity "
            + "headers of the caller, and is for loopback: elsewhere it takes `api.allow.unauthenticated`.")

    package let apiKeysBootstrapFile = Setting(
        "api.keys.bootstrap.file", shape: .text, processes: [.api], allowed: "the path of a file",
        meaning:
            "Where the first API key is, with `api.auth: keys`. A key that the file has is created if it is not there; without the "
            + "file, and without any key, one is made and written there. It has the roles admin and member.")

    package let apiKeysBootstrapProject = Setting(
        "api.keys.bootstrap.project", default: "default", shape: .text, processes: [.api],
        allowed: "1 to 256 characters", meaning: "The project of the key of `api.keys.bootstrap.file`.")

    package let apiAllowUnauthenticated = Setting(
        "api.allow.unauthenticated", flag: "--allow-unauthenticated", default: "false", shape: .boolean,
        processes: [.api],
        meaning:
            "Whether `api.listen` and `api.websocket.listen` may be addresses that other machines reach while `api.auth` is "
            + "`none`. The identity headers of all callers are then trusted: for a network where something else authenticates callers."
    )

    package let apiAuditLog = Setting(
        "api.audit.log", default: "none", shape: .text, processes: [.api],
        allowed: "none, stderr, or the path of a file from the root on",
        meaning:
            "Where one line for each request that changes something is written, see docs/audit.md. A file is made if it is not there, and "
            + "opened again on SIGHUP.")

    package let apiPolicyFile = Setting(
        "api.policy.file", shape: .text, processes: [.api], allowed: "the path of a YAML or JSON file",
        meaning:
            "Rules of the policy, in place of those of docs/policy.md, which says how they are written. Read again when it "
            + "changes.")

    package let apiPolicyDirectory = Setting(
        "api.policy.directory", shape: .text, processes: [.api], allowed: "the path of a folder",
        meaning:
            "A folder of such files, of which those that end in `.yaml`, `.yml` or `.json` are read after `api.policy.file`, in the "
            + "order of their names: of two rules of a name the later counts.")

    package let apiKeystoneURL = Setting(
        "api.keystone.url", shape: .text, allowed: "an http or https URL without a query",
        meaning: "The root of the Keystone that validates tokens and keeps trusts, with or without `/v3`.")

    package let apiKeystonePublicURL = Setting(
        "api.keystone.public.url", shape: .text, processes: [.api], allowed: "an http or https URL",
        meaning:
            "Where callers get their tokens, as a 401 names it (`WWW-Authenticate`). Without it `api.keystone.url`.")

    package let apiKeystoneUser = Setting(
        "api.keystone.user", shape: .text, processes: [.api], allowed: "the name of a user of Keystone",
        meaning: "Who Keystone is asked as. The user needs the right to validate tokens: the role `service` has it.")

    package let apiKeystoneUserDomain = Setting(
        "api.keystone.user.domain", default: "Default", shape: .text, processes: [.api],
        allowed: "the name of a domain of Keystone", meaning: "The domain of that user.")

    package let apiKeystonePassword = Setting(
        "api.keystone.password", shape: .text, processes: [.api], isSecret: true, allowed: "a text",
        meaning: "The password of that user.")

    package let apiKeystoneProject = Setting(
        "api.keystone.project", shape: .text, processes: [.api], allowed: "the name of a project of Keystone",
        meaning: "The project in which that user has its role. Without it its tokens are not scoped.")

    package let apiKeystoneProjectDomain = Setting(
        "api.keystone.project.domain", default: "Default", shape: .text, processes: [.api],
        allowed: "the name of a domain of Keystone", meaning: "The domain of that project.")

    package let apiKeystoneCAFile = Setting(
        "api.keystone.ca.file", shape: .text, allowed: "the path of a PEM file",
        meaning: "Certificates that may sign that of Keystone, and no others. Without it those of the system.")

    package let apiKeystoneTimeout = Setting(
        "api.keystone.timeout", default: "10", shape: .seconds(1...60),
        meaning:
            "How long a question to Keystone may take, with all its repeats. Then the request is answered 503, or the delivery "
            + "waits.")

    package let apiKeystoneRetries = Setting(
        "api.keystone.retries", default: "3", shape: .integer(0...10),
        meaning: "How often a request to Keystone is repeated whose connection failed.")

    package let apiKeystoneCacheTime = Setting(
        "api.keystone.cache.time", default: "300", shape: .seconds(0...3600), processes: [.api],
        meaning:
            "How long a token that holds is known, and so how soon a revoked one is noticed. 0: Keystone is asked at each "
            + "request.")

    package let apiKeystoneCacheTokens = Setting(
        "api.keystone.cache.tokens", default: "10000", shape: .integer(1...1_000_000), processes: [.api],
        meaning: "Most tokens that are known at once.")

    package let apiKeystoneServiceRoles = Setting(
        "api.keystone.service.roles", default: "service", shape: .list, processes: [.api],
        meaning: "The roles of services that act for their users by `X-Service-Token`; one of them is enough.")

    package let apiKeystoneServiceRolesRequired = Setting(
        "api.keystone.service.roles.required", default: "true", shape: .boolean, processes: [.api],
        meaning:
            "Whether a request is refused whose `X-Service-Token` has none of these roles. Otherwise any token that holds is that of a "
            + "service, and lets the caller's own one be expired.")

    package let trusteeUser = Setting(
        "trustee.user", shape: .text, allowed: "the name of a user of Keystone",
        meaning:
            "Who users give trusts to that subscribe `trust+http` and `trust+https`: notifiers call these endpoints with a token "
            + "of the user. Without it there are no such subscribers.")

    package let trusteeUserDomain = Setting(
        "trustee.user.domain", default: "Default", shape: .text,
        allowed: "the name of a domain of Keystone", meaning: "The domain of that user.")

    package let trusteePassword = Setting(
        "trustee.password", shape: .text, isSecret: true, allowed: "a text", meaning: "The password of that user.")

    package let trusteeProject = Setting(
        "trustee.project", shape: .text, allowed: "the name of a project of Keystone",
        meaning:
            "A project in which that user has a role that may remove trusts of others, as `admin` may. Without it trusts of "
            + "subscriptions that end otherwise than by their user's request stay until they expire.")

    package let trusteeProjectDomain = Setting(
        "trustee.project.domain", default: "Default", shape: .text,
        allowed: "the name of a domain of Keystone", meaning: "The domain of that project.")

    package let apiDrain = Setting(
        "api.drain", flag: "--drain", default: "10", shape: .seconds(1...3600), processes: [.api],
        meaning: "How long requests under way may take to finish after SIGTERM.")

    package let apiConnections = Setting(
        "api.connections", default: "16384", shape: .integer(16...1_000_000), processes: [.api],
        meaning:
            "Most connections at once of `api.listen`, and as many again of `api.websocket.listen`; fewer where the hard limit "
            + "of open files is lower. When all are taken, a sixty-fourth of them is closed: those that have been without a "
            + "request for longest and for a second, or else those whose request has arrived for longest below "
            + "`api.bytes.per.second`.")

    package let apiConnectionsAddress = Setting(
        "api.connections.address", default: "0", shape: .integer(0...1_000_000), processes: [.api],
        meaning: "Most connections at once of one address, of IPv6 of one /64; 0 for no bound. Further ones are closed."
    )

    package let apiHeadTimeout = Setting(
        "api.head.timeout", default: "20", shape: .seconds(1...3600), processes: [.api],
        meaning: "How long the head of a request may take to arrive.")

    package let apiStallTimeout = Setting(
        "api.stall.timeout", default: "20", shape: .seconds(1...3600), processes: [.api],
        meaning:
            "The time over which the pace of a body, and of a caller that reads an answer, is measured: it may stand "
            + "still for so long.")

    package let apiBytesPerSecond = Setting(
        "api.bytes.per.second", default: "512", shape: .integer(1...1_073_741_824), processes: [.api],
        meaning:
            "The pace, on average over `api.stall.timeout`, below which a body is refused, and a caller that reads an "
            + "answer is given up.")

    package let apiBytesInFlight = Setting(
        "api.bytes.in.flight", default: "268435456", shape: .integer(67_108_864...4_294_967_296), processes: [.api],
        meaning: "Most bytes of input that is not read yet, of bodies, and of answers that callers have not taken yet. "
            + "What exceeds them is answered 503; the answer to what was carried out is sent all the same.")

    package let apiBytesInFlightAddress = Setting(
        "api.bytes.in.flight.address", default: "0", shape: .integer(0...4_294_967_296), processes: [.api],
        meaning: "The same of one address, of IPv6 of one /64; 0 for no bound.")

    package let apiProjectRequests = Setting(
        "api.project.requests", default: "16", shape: .integer(1...100_000), processes: [.api],
        meaning:
            "Most requests of one project that a process carries out at once. Further ones wait for their turn, and are answered "
            + "503 after 4 s.")

    package let apiProjectWaits = Setting(
        "api.project.waits", default: "4096", shape: .integer(1...1_000_000), processes: [.api],
        meaning:
            "Most requests of one project that wait for messages in a process at once. Further ones are answered 503.")

    package let apiProxies = Setting(
        "api.proxies", shape: .list, processes: [.api],
        allowed: "address ranges such as 10.1.0.0/16 or fd00::/8, commas between",
        meaning:
            "Proxies in front of the API. Their header of the PROXY protocol 2 names the address that connections and bytes "
            + "count for; without it bytes count for the last address of `X-Forwarded-For` that is no proxy, and connections "
            + "of a proxy are not bounded.")

    package let apiPublicURL = Setting(
        "api.public.url", flag: "--public-url", shape: .text,
        allowed: "an http or https URL without a query, of at most 178 ASCII characters",
        meaning:
            "The root of the REST API as subscribers reach it, named in confirmations and mails. A path in it is kept.")

    package let apiSubscriberTypes = Setting(
        "api.subscriber.types", shape: .list, processes: [.api],
        allowed: "some of http, https, mailto, trust+http, trust+https, commas between",
        meaning: "The schemes of subscribers that can be subscribed. Without it http and https, mailto where "
            + "`email.relay` or `email.command` is set, and trust+http and trust+https where `trustee.user` is. Existing "
            + "subscriptions of others stay.")

    package let limitsPageQueues = Setting(
        "limits.page.queues", default: "20", shape: .integer(1...240), processes: [.api],
        meaning: "Largest `limit` of a list of queues. The fullest page must fit into 60 MiB.")

    package let limitsPageMessages = Setting(
        "limits.page.messages", default: "20", shape: .integer(1...7000), processes: [.api],
        meaning:
            "Largest `limit` of a list of messages, and most `ids`, 100 at the utmost. The fullest page must fit into "
            + "60 MiB.")

    package let limitsPageSubscriptions = Setting(
        "limits.page.subscriptions", default: "20", shape: .integer(1...119), processes: [.api],
        meaning: "Largest `limit` of a list of subscriptions. The fullest page must fit into 60 MiB.")

    package let limitsClaimMessages = Setting(
        "limits.claim.messages", default: "20", shape: .integer(1...100), processes: [.api],
        meaning: "Most messages one claim or one pop may take. They must fit into 60 MiB.")

    package let limitsQueueMetadata = Setting(
        "limits.queue.metadata", default: "65536", shape: .integer(1...16_777_216), processes: [.api],
        meaning: "Bytes in the body of a queue PUT or PATCH.")

    package let limitsPostSize = Setting(
        "limits.post.size", default: "262144", shape: .integer(1...917_504), processes: [.api],
        meaning: "Bytes in the body of a message post; queues may set less for themselves.")

    package let limitsPostMessages = Setting(
        "limits.post.messages", default: "1000", shape: .integer(1...10_000), processes: [.api],
        meaning: "Most messages in one post; `Location` names those that one request may ask for.")

    package let limitsMessageTTL = Setting(
        "limits.message.ttl", default: "1209600", shape: .integer(60...2_147_483_647), processes: [.api],
        meaning: "Most seconds a message may live.")

    package let limitsMessageDelay = Setting(
        "limits.message.delay", default: "900", shape: .integer(0...2_147_483_647), processes: [.api],
        meaning: "Most seconds a message may be held back.")

    package let limitsClaimTTL = Setting(
        "limits.claim.ttl", default: "43200", shape: .integer(60...2_147_483_647), processes: [.api],
        meaning: "Most seconds a claim may hold.")

    package let limitsClaimGrace = Setting(
        "limits.claim.grace", default: "43200", shape: .integer(60...2_147_483_647), processes: [.api],
        meaning: "Most seconds a claim may keep its messages alive beyond its own end.")

    package let limitsDeadLettersQueueCount = Setting(
        "limits.dead.letters.queue.count", default: "10000", shape: .integer(1...1_000_000), processes: [.notifier],
        meaning: "Most dead letters of a queue. Beyond it the oldest are dropped, and counted in "
            + "`herald.dead_letters.dropped`.")

    package let limitsDeadLettersQueueBytes = Setting(
        "limits.dead.letters.queue.bytes", default: "67108864", shape: .integer(1_048_576...68_719_476_736),
        processes: [.notifier],
        meaning: "Most bytes of the dead letters of a queue; the body of a message counts once for all of its dead "
            + "letters. Beyond it the oldest are dropped, and counted.")

    package let limitsDeadLettersProjectBytes = Setting(
        "limits.dead.letters.project.bytes", default: "268435456", shape: .integer(1_048_576...68_719_476_736),
        processes: [.notifier],
        meaning: "Most bytes of the dead letters of a project in one shard, over its queues there. Beyond it the "
            + "oldest are dropped, and counted. Where it is the lower one, `limits.dead.letters.queue.bytes` has no "
            + "effect.")

    package let limitsWaitingSubscription = Setting(
        "limits.waiting.subscription", default: "100000", shape: .integer(1...100_000_000),
        processes: [.api, .notifier],
        meaning: "Most deliveries of a subscription that wait. With as many a new one ends at once, as a dead letter "
            + "without a body of the reason `overflow`, and is counted in `herald.delivery.overflowed`; a test send is "
            + "refused (503).")

    package let limitsWaitingProject = Setting(
        "limits.waiting.project", default: "1000000", shape: .integer(1...100_000_000), processes: [.api, .notifier],
        meaning: "Most deliveries of a project that wait in one shard. With as many a new one ends at once, as with "
            + "`limits.waiting.subscription`.")

    package let limitsProjectQueues = Setting(
        "limits.project.queues", default: "0", shape: .integer(0...1_000_000_000_000), processes: [.api],
        meaning:
            "Most queues of a project without a limit of its own; 0 for no limit. A further one is refused (403), see docs/limits.md."
    )

    package let limitsProjectSubscriptions = Setting(
        "limits.project.subscriptions", default: "0", shape: .integer(0...1_000_000_000_000), processes: [.api],
        meaning:
            "Most subscriptions of a project without a limit of its own; 0 for no limit. A further one is refused (403)."
    )

    package let limitsProjectBytes = Setting(
        "limits.project.bytes", default: "0", shape: .integer(0...1_000_000_000_000), processes: [.api],
        meaning: "Most bytes of the messages in the queues of a project without a limit of its own; 0 for no limit. A "
            + "post beyond it is refused (403).")

    package let limitsProjectPosts = Setting(
        "limits.project.posts", default: "0", shape: .integer(0...1_000_000_000_000), processes: [.api],
        meaning:
            "Most messages that a project without a limit of its own posts in a second, over all processes; 0 for no limit. "
            + "A post beyond it is refused (503, with `Retry-After`).")

    package let limitsProjectConnections = Setting(
        "limits.project.connections", default: "0", shape: .integer(0...1_000_000_000_000), processes: [.api],
        meaning:
            "Most WebSocket connections and event streams of a project without a limit of its own, over all processes; 0 for "
            + "no limit. A further one is refused (503).")

    package let defaultsMessageTTL = Setting(
        "defaults.message.ttl", default: "3600", shape: .integer(60...2_147_483_647), processes: [.api],
        meaning: "The ttl of a message when neither it nor its queue has one, seconds. At most `limits.message.ttl`.")

    package let defaultsMessageDelay = Setting(
        "defaults.message.delay", default: "0", shape: .integer(0...2_147_483_647), processes: [.api],
        meaning:
            "The delay that queues without one of their own show. It has no effect on messages. At most "
            + "`limits.message.delay`.")

    package let defaultsClaimTTL = Setting(
        "defaults.claim.ttl", default: "300", shape: .integer(60...2_147_483_647), processes: [.api],
        meaning: "The ttl of a claim without one, seconds. At most `limits.claim.ttl`.")

    package let defaultsClaimGrace = Setting(
        "defaults.claim.grace", default: "60", shape: .integer(60...2_147_483_647), processes: [.api],
        meaning: "The grace of a claim without one, seconds. At most `limits.claim.grace`.")

    package let defaultsSubscriptionTTL = Setting(
        "defaults.subscription.ttl", default: "3600", shape: .integer(60...2_147_483_647), processes: [.api],
        meaning: "The ttl of a subscription without one, seconds.")

    package let postsKeyWindow = Setting(
        "posts.key.window", default: "86400", shape: .integer(60...1_209_600), processes: [.api],
        meaning:
            "For how long a post with the header `Idempotency-Key` is known again, seconds: a repeat of it stores nothing. A key takes 200 "
            + "bytes of what its project may have while it is kept. The same in every API process.")

    package let defaultsRetry = Setting(
        "defaults.retry", shape: .list, processes: [.api, .notifier],
        allowed: "standard-webhooks, or at most 100 waits of 0 to 86400 s, commas between",
        meaning:
            "The retries of webhooks where neither a subscription nor its queue has a retry policy: the name of a schedule, or the "
            + "waits before each of them. Without it 14 over three minutes. The `ttl` of a message ends them earlier. The API shows "
            + "what notifiers do: the same for both processes.")

    package let clientIDForm = Setting(
        "client.id.form", default: "uuid", shape: .oneOf(["uuid", "any"]), processes: [.api],
        meaning: "What the header Client-ID must be: a UUID, or any text of the lengths below.")

    package let clientIDLengthMin = Setting(
        "client.id.length.min", default: "10", shape: .integer(1...256), processes: [.api],
        meaning: "Fewest characters of a Client-ID of any form.")

    package let clientIDLengthMax = Setting(
        "client.id.length.max", default: "36", shape: .integer(1...256), processes: [.api],
        meaning: "Most characters of a Client-ID of any form.")

    package let apiStrict = Setting(
        "api.strict", flag: "--strict", default: "false", shape: .boolean, processes: [.api],
        meaning:
            "Whether a request is refused (400) that has names which look as if they were meant for Herald and mean nothing. Without "
            + "it they are taken, as existing clients expect, and named in `Herald-Unrecognized`.")

    package let messageDeleteNeedsClaim = Setting(
        "message.delete.needs.claim", default: "false", shape: .boolean, processes: [.api],
        meaning: "Whether a deletion of messages by `ids` needs the `claim_ids` of the claims that hold them.")

    package let messageChecksum = Setting(
        "message.checksum", default: "none", shape: .oneOf(["none", "md5"]), processes: [.api],
        meaning: "Whether messages show a checksum of their body, for clients that compare it.")

    package let messageEncryptionKeys = Setting(
        "message.encryption.keys", shape: .list, isSecret: true,
        allowed: "keys of at least 32 bytes, in base64 or hexadecimal digits, commas between, newest first",
        meaning: "The keys of encrypted message bodies: the first one encrypts, every one decrypts. Without it "
            + "the key is derived from `master.key`, which always decrypts. Every process must be able to decrypt what another encrypted."
    )

    package let apiAdminMode = Setting(
        "api.admin.mode", default: "false", shape: .boolean, processes: [.api],
        meaning: "Whether the routes for administrators, such as `/v2/health`, are served.")

    package let apiPooling = Setting(
        "api.pooling", shape: .boolean, processes: [.api],
        meaning:
            "Whether the routes of pools and flavors are served too; unset: where `api.admin.mode` is on. Queues stay on "
            + "their pools also where these routes are not served.")

    package let corsOrigins = Setting(
        "cors.origins", shape: .list, processes: [.api],
        meaning: "The origins whose pages may call the API from a browser; `*` for all. Without it CORS is off."
    )

    package let corsCredentials = Setting(
        "cors.credentials", default: "true", shape: .boolean, processes: [.api],
        meaning: "Whether browsers may send credentials along. Without effect where `cors.origins` is `*`.")

    package let corsMaxAge = Setting(
        "cors.max.age", default: "3600", shape: .integer(0...86_400), processes: [.api],
        meaning: "Seconds a browser may keep the answer to a preflight.")

    package let corsMethods = Setting(
        "cors.methods", default: "GET,PUT,POST,DELETE,PATCH,HEAD", shape: .list, processes: [.api],
        meaning: "The methods browsers may use.")

    package let corsHeadersAllowed = Setting(
        "cors.headers.allowed",
        default: "X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,"
            + "X-OpenStack-Request-ID,X-Trace-Info,X-Trace-HMAC,Client-ID,X-Project-Id,"
            + "URL-Signature,URL-Expires,URL-Methods,URL-Paths,Content-Type,Idempotency-Key,Herald-Renew",
        shape: .list, processes: [.api], meaning: "The headers browsers may send.")

    package let corsHeadersExposed = Setting(
        "cors.headers.exposed",
        default: "X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID,Idempotent-Replayed,"
            + "Herald-Unrecognized,Herald-Durability",
        shape: .list, processes: [.api], meaning: "The headers of answers that pages may read.")

    package let notifierAdminListen = Setting(
        "notifier.admin.listen", flag: "--admin-listen", default: "127.0.0.1:8890", shape: .address,
        processes: [.notifier],
        meaning: "Where a notifier answers `/livez`, `/readyz` and `/metrics`. Keep it off public networks.")

    package let notifierConcurrency = Setting(
        "notifier.concurrency", flag: "--concurrency", default: "8192", shape: .integer(1...100_000),
        processes: [.notifier],
        meaning: "Attempts one notifier has under way at once. Each may take three open files, and 256 are for the "
            + "rest: the soft limit is raised as far as the hard one allows, and where that is too low, so is this "
            + "lowered, with a line in the log.")

    package let notifierHostConcurrency = Setting(
        "notifier.host.concurrency", flag: "--host-concurrency", default: "1024", shape: .integer(1...100_000),
        processes: [.notifier],
        meaning:
            "Attempts one notifier has under way at once to one host and port, so that a slow one with many "
            + "subscriptions leaves slots for others. What is beyond is parked for 15 to 25 seconds, then for up to a minute at "
            + "a time, and starts as soon as one is free.")

    package let notifierBytesInFlight = Setting(
        "notifier.bytes.in.flight", default: "268435456", shape: .integer(16_777_216...4_294_967_296),
        processes: [.notifier],
        meaning: "Bytes of bodies one notifier has in flight at once; a body that several attempts share counts "
            + "once. With as many, nothing more is leased, and what is due waits in Redis.")

    package let notifierLease = Setting(
        "notifier.lease", flag: "--lease", default: "15", shape: .seconds(5...600), processes: [.notifier],
        meaning: "How long a delivery belongs to a notifier that no longer reports. Renewed while an attempt "
            + "runs, so this is how soon others take over from a dead one.")

    package let notifierDrain = Setting(
        "notifier.drain", flag: "--drain", default: "20", shape: .seconds(1...3600), processes: [.notifier],
        meaning: "How long attempts under way may take to finish after SIGTERM; the rest is handed back.")

    package let notifierDisableAfter = Setting(
        "notifier.disable.after", flag: "--disable-after", default: "0", shape: .seconds(0...31_536_000),
        processes: [.notifier],
        meaning:
            "A subscription of which every attempt failed for so long is disabled: nothing is sent to it, and its backlog "
            + "waits for a `POST …/resume`. 0: never; its messages end one by one.")

    package let webhookConnectTimeout = Setting(
        "webhook.connect.timeout", default: "5", shape: .seconds(1...60), processes: [.notifier],
        meaning: "How long name, connection and TLS of a webhook may take.")

    package let webhookTimeout = Setting(
        "webhook.timeout", default: "30", shape: .seconds(1...300), processes: [.notifier],
        meaning: "How long the whole exchange of a webhook may take, the answer's body included.")

    package let webhookConnectionAgeMax = Setting(
        "webhook.connection.age.max", default: "60", shape: .seconds(2...3600), processes: [.notifier],
        meaning:
            "How long the address of a name is used, however busy its connection is: after that a receiver that moved is "
            + "found at its new address. A third is for the result of a lookup, the rest for connections.")

    package let webhookCAFile = Setting(
        "webhook.ca.file", shape: .text, processes: [.notifier], allowed: "the path of a PEM file",
        meaning:
            "Certificates that may sign those of endpoints, and no others: add those of the system where endpoints are public. "
            + "Without it those of the system. A change is in force within a minute.")

    package let webhookClientCertificateFile = Setting(
        "webhook.client.certificate.file", shape: .text, processes: [.notifier], allowed: "the path of a PEM file",
        meaning:
            "The certificate that is shown to every endpoint that asks for one. Takes `webhook.client.key.file`. Read with each "
            + "connection.")

    package let webhookClientKeyFile = Setting(
        "webhook.client.key.file", shape: .text, processes: [.notifier],
        allowed: "the path of a PEM file without a passphrase",
        meaning: "The private key of `webhook.client.certificate.file`.")

    package let webhookRetryAfterMax = Setting(
        "webhook.retry.after.max", default: "3600", shape: .seconds(1...86_400), processes: [.notifier],
        meaning: "The longest `Retry-After` of an answer that is obeyed; a longer one counts as this long.")

    package let egressAllow = Setting(
        "egress.allow", shape: .list, processes: [.notifier],
        allowed: "address ranges such as 10.1.0.0/16 or fd00::/8, commas between",
        meaning: "Non-public ranges webhooks may reach. Without it every private, loopback, link-local, "
            + "multicast and metadata address is refused.")

    package let emailRelay = Setting(
        "email.relay", shape: .text, isSecret: true,
        allowed: "smtp://[user[:password]@]host[:port]; port 25, and 587 with a user",
        meaning:
            "The relay that takes mails. Without it and `email.command` no mail is sent, and what is due to a mail "
            + "address ends as a dead letter of the reason `no_relay`.")

    package let emailTLS = Setting(
        "email.tls", shape: .oneOf(["required", "offered", "off"]), processes: [.notifier],
        meaning:
            "When the connection to the relay is encrypted by STARTTLS. `required`: always, and its certificate has "
            + "to name the relay. `offered`: when the relay offers it, whatever its certificate. Without it `required`, "
            + "and `offered` for a relay on loopback.")

    package let emailTLSAuthorities = Setting(
        "email.tls.authorities", shape: .text, processes: [.notifier], allowed: "the path of a PEM file",
        meaning: "Certificates that may sign that of the relay. Without it those of the system.")

    package let emailHostname = Setting(
        "email.hostname", shape: .text, processes: [.notifier], allowed: "a host name",
        meaning: "What the relay is greeted with (EHLO). Without it the name of the machine.")

    package let emailFrom = Setting(
        "email.from", shape: .text, processes: [.notifier], allowed: "an address, or Name <address>",
        meaning:
            "Who mails are from when their subscription does not say, and the sender of envelopes without "
            + "`email.bounce.address`. Mail takes it.")

    package let emailBounceAddress = Setting(
        "email.bounce.address", shape: .text, processes: [.notifier],
        allowed: "an address of at most 20 bytes before the @",
        meaning:
            "Where mails come back to: the sender of envelopes, with a plus sign and a mark before the @. Mail to it is "
            + "for `herald bounce`. Without it the sender is `email.from`. A program of `email.command` chooses the "
            + "sender for itself.")

    package let emailRate = Setting(
        "email.rate", shape: .integer(1...1000), processes: [.notifier],
        meaning:
            "Most mails of a project to one address in any hour, confirmations apart; the rest waits, up to the life of "
            + "its message. Without it there is no limit.")

    package let emailRateExcess = Setting(
        "email.rate.excess", default: "wait", shape: .oneOf(["wait", "digest"]), processes: [.notifier],
        meaning:
            "How mails above `email.rate` go out once the address may be sent to again. `wait`: one after the other, as the rate "
            + "permits. `digest`: those of a subscription in one mail of up to 100 messages.")

    package let emailSessions = Setting(
        "email.sessions", default: "4", shape: .integer(1...64), processes: [.notifier],
        meaning: "Sessions with the relay at once, or runs of `email.command`; each has a thread.")

    package let emailConnectTimeout = Setting(
        "email.connect.timeout", default: "10", shape: .seconds(1...60), processes: [.notifier],
        meaning: "How long the name of the relay and the connection may take.")

    package let emailTimeout = Setting(
        "email.timeout", default: "300", shape: .seconds(1...600), processes: [.notifier],
        meaning: "How long any reply of the relay may take, but for that to a whole mail, and handing a mail over.")

    package let emailDataTimeout = Setting(
        "email.data.timeout", default: "600", shape: .seconds(1...3600), processes: [.notifier],
        meaning: "How long the reply to a whole mail may take, or a run of `email.command`.")

    package let emailCommand = Setting(
        "email.command", shape: .text, allowed: "the absolute path of a program and its arguments, blanks between",
        meaning: "A program that takes one mail on standard input, such as `/usr/sbin/sendmail -t -oi`, instead of a "
            + "relay. No shell reads it. A status of 75, or any but 0, is tried again.")

    package let emailFeedbackID = Setting(
        "email.feedback.id", default: "false", shape: .boolean, processes: [.notifier],
        meaning: "Whether mails name project and queue in the field `Feedback-ID`.")

    package let logLevel = Setting(
        "log.level", default: "info",
        shape: .oneOf(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
        meaning: "The least important lines to log, on standard error.")

    package let logFormat = Setting(
        "log.format", default: "text", shape: .oneOf(["text", "json"]),
        meaning: "How lines of the log are written: for people, or as an object of JSON each.")

    package let logRequests = Setting(
        "log.requests", default: "none", shape: .oneOf(["none", "errors", "sampled", "all"]), processes: [.api],
        meaning:
            "Which requests over REST and WebSocket are logged, at `info`, when they are answered: those with a status of 400 or "
            + "more, these and every hundredth other one, or all.")

    package let metricsQueues = Setting(
        "metrics.queues", shape: .list,
        allowed: "project/queue or project/prefix*, commas between, 32 at most",
        meaning:
            "Queues whose messages are counted in the metric `herald_queue_messages`, the first hundred of them. Give it to every "
            + "process: one of them exports it.")

    package let readyFile = Setting(
        "ready.file", shape: .text,
        allowed: "a path in a folder that exists and can be written",
        meaning: "A file of one JSON object (`pid`, `listen`, `admin`), there while the process serves.")

    package let configFile = Setting(
        "config.file", flag: "--config", shape: .text, allowed: "the path of a YAML file",
        meaning: "The settings file. It may hold the settings of both processes.")
}
