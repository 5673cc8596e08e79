package import CoreMetrics

/// Every metric of both processes: its label, what it is, what it is divided by, and the question it answers.
///
/// `/metrics` gives the question as `# HELP`, and the table of docs/metrics.md is written from here (`scripts/settings`).
package enum Metric: String, CaseIterable, Sendable {
    case buildInfo = "herald.build.info"
    case processStart = "process.start.time.seconds"
    case processCPU = "process.cpu.seconds"
    case processMemory = "process.resident.memory.bytes"
    case processFiles = "process.open.fds"
    case processFilesMax = "process.max.fds"
    case processThreads = "process.threads"
    case processes = "herald.processes"
    case eventsPending = "herald.events.pending"
    case eventsAge = "herald.events.oldest_age.seconds"
    case deliveriesPending = "herald.deliveries.pending"
    case deliveriesAge = "herald.deliveries.oldest_age.seconds"
    case subscriptions = "herald.subscriptions"
    case requestDuration = "http.server.request.duration"
    case apiConnections = "herald.api.connections"
    case apiConnectionsMax = "herald.api.connections.max"
    case actionDuration = "herald.action.duration"
    case keystoneValidationDuration = "herald.keystone.validation.duration"
    case keystoneCacheHits = "herald.keystone.cache.hits"
    case trustRemovals = "herald.trust.removals"
    case sessionsOpen = "herald.sessions.open"
    case sessionsClosed = "herald.sessions.closed"
    case sessionFrames = "herald.sessions.frames"
    case policyReloads = "herald.policy.reloads"
    case policyRead = "herald.policy.read.timestamp.seconds"
    case tlsReloads = "herald.tls.reloads"
    case tlsExpiry = "herald.tls.certificate.expiry.timestamp.seconds"
    case storeScript = "herald.store.script"
    case queueMessages = "herald.queue.messages"
    case poolReachable = "herald.pool.reachable"
    case poolRoundTrip = "herald.pool.round_trip.seconds"
    case poolMemory = "herald.pool.memory.bytes"
    case poolQueues = "herald.pool.queues"
    case storeFull = "herald.store.full"
    case storePositionsAhead = "herald.store.positions.ahead"
    case logDropped = "herald.log.dropped"
    case auditDropped = "herald.audit.dropped"
    case deliveryLag = "herald.delivery.lag"
    case deliveryEndToEnd = "herald.delivery.end_to_end"
    case attemptPhase = "herald.attempt.phase"
    case deliveryAttempts = "herald.delivery.attempts"
    case deliverySettled = "herald.delivery.settled"
    case deliveryLost = "herald.delivery.lost"
    case deliveryPostponed = "herald.delivery.postponed"
    case deliveryLapsed = "herald.delivery.lapsed"
    case deliverySuspects = "herald.delivery.suspects"
    case deliveryQuarantined = "herald.delivery.quarantined"
    case deliveryUnreadable = "herald.delivery.unreadable"
    case deliveryOverflowed = "herald.delivery.overflowed"
    case filterVerdicts = "herald.filter.verdicts"
    case deliveryExpired = "herald.delivery.expired"
    case deadLetters = "herald.dead_letters"
    case subscriptionsHeld = "herald.subscriptions.held"
    case deadLettersDropped = "herald.dead_letters.dropped"
    case deliveryUnderWay = "herald.delivery.under_way"
    case deliverySlots = "herald.delivery.slots"
    case deliveryBytes = "herald.delivery.bytes"
    case deliveryBytesMax = "herald.delivery.max.bytes"
    case deliveryBlocked = "herald.delivery.blocked"
    case subscriptionsParked = "herald.subscriptions.parked"

    /// What swift-metrics knows it by.
    package var label: String { self.rawValue }
    /// The names of its dimensions.
    package var dimensions: [String] { self.row.dimensions }
    /// The question it answers, as one line.
    package var help: String { self.row.help }
    /// Its name in `/metrics`, without the suffixes of a histogram's lines.
    package var family: String { self.row.kind.family(of: self.label) }

    private struct Row {
        let kind: MetricKind
        let dimensions: [String]
        let help: String

        init(_ kind: MetricKind, by dimensions: [String] = [], _ help: String) {
            self.kind = kind
            self.dimensions = dimensions
            self.help = help
        }
    }

    private var row: Row {
        switch self {
        case .buildInfo: Row(.gauge, by: ["version", "commit"], "Which version runs, of which commit? Always 1.")
        case .processStart: Row(.gauge, "When did the process start? Seconds since 1970.")
        case .processCPU: Row(.counter, "How many seconds of processors did the process use?")
        case .processMemory: Row(.gauge, "How many bytes of memory does the process take?")
        case .processFiles: Row(.gauge, "How many open files has the process, sockets among them?")
        case .processFilesMax: Row(.gauge, "How many open files may it have?")
        case .processThreads: Row(.gauge, "How many threads has the process?")
        case .processes:
            Row(
                .gauge, by: ["role"],
                "How many processes of the deployment are there? No notifier: nothing is delivered. Deployment.")
        case .eventsPending:
            Row(
                .gauge, by: ["pool"],
                "How many posts wait to be fanned out? Growing: add notifiers. Deployment; exact for 250 queues with events in each "
                    + "shard.")
        case .eventsAge:
            Row(
                .gauge, by: ["pool"],
                "How many seconds has the oldest of these posts waited? 0 when there is none. Deployment.")
        case .deliveriesPending:
            Row(
                .gauge, by: ["pool", "state"],
                "How many deliveries have not ended, and what does each wait for? in_flight: its attempt; ready: a notifier, it is due; "
                    + "held: it is due, and its subscription is at its window, rate or order, or its host is full; later: its time; "
                    + "breaker: the breaker of its subscription is open; paused, disabled: its resumption; other: its "
                    + "subscription has ended, or more than 250 of the shard wait. Deployment.")
        case .deliveriesAge:
            Row(
                .gauge, by: ["pool", "state"],
                "For how many seconds has the oldest delivery been due, of those that are ready and of those that are held? It counts "
                    + "from when it was due, not from its post. 0 when there is none. Deployment.")
        case .subscriptions:
            Row(
                .gauge, by: ["pool", "state"],
                "How many subscriptions are there? active, breaker (it is open), paused, disabled, or ended and not removed yet. "
                    + "Deployment.")
        case .requestDuration:
            Row(
                .timer, by: ["route", "method", "status"],
                "How long do callers wait, and how often in vain? route is the template of the path, status its class; requests "
                    + "refused by their head are route=unknown, method=other.")
        case .apiConnections:
            Row(.gauge, by: ["listener"], "How many connections have the listeners, rest and websocket?")
        case .apiConnectionsMax:
            Row(
                .gauge, by: ["listener"],
                "How many connections may each have? api.connections, or what the limit of open files allows.")
        case .actionDuration:
            Row(
                .timer, by: ["action", "status"],
                "How long do callers wait over WebSocket, and how often in vain? status is the class of the answer; requests that name "
                    + "no action are action=unknown.")
        case .keystoneValidationDuration:
            Row(
                .timer, by: ["result"],
                "How long does Keystone take to say whether a token holds? valid, rejected, or unavailable: it said nothing, and the "
                    + "request was answered 503.")
        case .keystoneCacheHits:
            Row(.counter, "How many tokens were known from before? Beside the validations: what Keystone is spared.")
        case .trustRemovals:
            Row(
                .counter, by: ["result"],
                "Are the trusts of subscriptions that ended removed? refused: Keystone does not permit it to `trustee.user`, failed: it "
                    + "said nothing; both are tried again for a day.")
        case .sessionsOpen: Row(.gauge, "How many connections of the WebSocket protocol are there?")
        case .sessionsClosed:
            Row(
                .counter, by: ["code"],
                "Why do connections of the WebSocket protocol end? The code of the first close frame, 1006 without one. 1013: clients "
                    + "do not read.")
        case .sessionFrames:
            Row(
                .counter, by: ["direction"],
                "How much goes over these connections? in: messages and control frames of clients, out: all frames to them."
            )
        case .policyReloads:
            Row(
                .counter, by: ["result"],
                "How often were the files of the policy read again? failure: they cannot be used, the rules from before stay, and the "
                    + "log says why.")
        case .policyRead:
            Row(
                .gauge,
                "Since when are the rules of the policy in force? Seconds since 1970; older than the files: they are broken."
            )
        case .tlsReloads:
            Row(
                .counter, by: ["result"],
                "How often were certificates and keys of TLS read again? failure: they cannot be used, those from before stay, and the "
                    + "log says why.")
        case .tlsExpiry:
            Row(
                .gauge, by: ["setting"],
                "When does the certificate in the file of the setting expire? Seconds since 1970.")
        case .storeScript:
            Row(
                .timer, by: ["script"],
                "How long do the scripts of the store take, from the call to the reply? docs/redis.md names them; with the wait for copies "
                    + "where a post has to reach them.")
        case .queueMessages:
            Row(
                .gauge, by: ["project", "queue", "state"],
                "How many messages have the queues of metrics.queues? free, delayed ones among them, or claimed. At most 100 queues. "
                    + "Deployment.")
        case .poolReachable: Row(.gauge, by: ["pool"], "Does the pool answer? 1 or 0. Deployment.")
        case .poolRoundTrip: Row(.gauge, by: ["pool"], "How many seconds does one PING take? Deployment.")
        case .poolMemory:
            Row(.gauge, by: ["pool"], "How many bytes do the data of the pool take (used_memory)? Deployment.")
        case .poolQueues:
            Row(
                .gauge, by: ["pool"],
                "How many queues live on a registered pool? Exact; those of the default store are not counted. Deployment."
            )
        case .storeFull:
            Row(.gauge, by: ["pool"], "Does Redis refuse writes that grow? 1: posts are refused, the rest goes on.")
        case .storePositionsAhead:
            Row(
                .gauge, by: ["pool"],
                "How many seconds are positions ahead of the clock? Above 0: Redis' clock once ran ahead.")
        case .logDropped: Row(.counter, "How many lines of the log were dropped, because standard error was not read?")
        case .auditDropped:
            Row(
                .counter,
                "How many lines of the audit log are missing from its file, because it was not written in time or refused them?"
            )
        case .deliveryLag:
            Row(
                .timer,
                "How long after its post is a message attempted first? Dead letters that are sent again are not counted."
            )
        case .deliveryEndToEnd:
            Row(
                .timer, by: ["channel"],
                "How long after its post is a message accepted, with all its retries? Dead letters that are sent again are not counted."
            )
        case .attemptPhase:
            Row(
                .timer, by: ["channel", "phase"],
                "Where does the time of attempts go? dns, connect and tls of those that opened a connection, first_byte: the endpoint "
                    + "works, total: all of it.")
        case .deliveryAttempts:
            Row(
                .counter, by: ["channel", "outcome"],
                "How do attempts end? accepted, deferred, refused (410, and what is final for the subscription), forbidden, or the "
                    + "error.")
        case .deliverySettled:
            Row(
                .counter,
                "How many outcomes are written to Redis? Beside the attempts: the difference is in flight or lost.")
        case .deliveryLost:
            Row(
                .counter,
                "How many outcomes came after the lease had lapsed, so that the delivery is attempted again? No message is lost. "
                    + "More than a few: leases are too short, or Redis too slow.")
        case .deliveryPostponed: Row(.counter, "How often had a host as much in flight as may be?")
        case .deliveryLapsed: Row(.counter, "How many leases of dead or stalled notifiers did this one take over?")
        case .deliverySuspects:
            Row(.counter, "How many attempts were made of deliveries that notifiers were lost with?")
        case .deliveryQuarantined:
            Row(
                .counter,
                "How many deliveries were given up, because notifiers were lost with them alone? Any: look at its dead letter."
            )
        case .deliveryUnreadable:
            Row(
                .counter,
                "How often was a delivery leased that this version cannot read? Any: a newer version wrote it; it waits a minute at "
                    + "a time.")
        case .deliveryOverflowed:
            Row(
                .counter, "How many deliveries ended at once, because too many of their subscription or project waited?"
            )
        case .filterVerdicts:
            Row(
                .counter, by: ["verdict"],
                "How often did the filter policy of a subscription decide about a message? `wanted` becomes a delivery, `refused` does not."
            )
        case .deliveryExpired: Row(.counter, "How many deliveries ended with their messages while they waited?")
        case .deadLetters:
            Row(
                .counter, by: ["reason"],
                "How many deliveries ended without success, and why? The reasons are those of dead letters (docs/delivery.md); some "
                    + "are not kept, where their bounds are reached.")
        case .subscriptionsHeld:
            Row(
                .counter, by: ["hold"],
                "How often did a breaker open, and how many subscriptions were disabled? The log names them.")
        case .deadLettersDropped:
            Row(.counter, "How many dead letters were removed before their time, to keep to a limit?")
        case .deliveryUnderWay:
            Row(
                .gauge, by: ["pool"],
                "How many of the slots are taken? At herald_delivery_slots all the time: add notifiers.")
        case .deliverySlots:
            Row(
                .gauge, by: ["pool"],
                "How many slots are there? notifier.concurrency, or what the limit of open files allows, shared by the pools."
            )
        case .deliveryBytes: Row(.gauge, by: ["pool"], "How many bytes of bodies are in flight?")
        case .deliveryBytesMax: Row(.gauge, by: ["pool"], "How many bytes of bodies may be in flight?")
        case .deliveryBlocked:
            Row(.gauge, by: ["pool"], "How many projects may begin nothing more now, by their share or their pace?")
        case .subscriptionsParked:
            Row(.gauge, "How many subscriptions wait for a host with as much in flight as may be?")
        }
    }

    /// The metrics by their names in `/metrics`.
    static let byFamily = Dictionary(uniqueKeysWithValues: Self.allCases.map { ($0.family, $0) })

    // MARK: - Making one

    /// - Parameter dimensions: A value for each of ``dimensions``, in their order.
    package func counter(_ values: String...) -> Counter {
        Counter(label: self.label, dimensions: self.dimensions(values, .counter))
    }

    /// See ``counter(_:)``.
    package func gauge(_ values: String...) -> Meter {
        Meter(label: self.label, dimensions: self.dimensions(values, .gauge))
    }

    /// See ``counter(_:)``.
    package func gauge(of values: [String]) -> Meter {
        Meter(label: self.label, dimensions: self.dimensions(values, .gauge))
    }

    /// See ``counter(_:)``.
    package func timer(_ values: String...) -> Timer {
        Timer(label: self.label, dimensions: self.dimensions(values, .timer))
    }

    private func dimensions(_ values: [String], _ kind: MetricKind) -> [(String, String)] {
        let row = self.row
        precondition(row.kind == kind && row.dimensions.count == values.count, "\(self) is made as it is listed")
        return Array(zip(row.dimensions, values))
    }
}

/// What a metric is to the code that counts.
enum MetricKind: Sendable {
    case counter
    case gauge
    case timer

    /// The name of its family in the text format of Prometheus.
    func family(of label: String) -> String {
        switch self {
        case .counter: Exposition.name(label, suffix: "_total")
        case .gauge: Exposition.name(label)
        case .timer: Exposition.name(label, suffix: "_seconds")
        }
    }
}
