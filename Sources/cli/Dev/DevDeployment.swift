package import Foundation
package import Settings

/// A deployment on one machine: a private Redis, the API and one notifier, as children of this process.
package struct DevDeployment: Sendable {
    /// Loopback only; every other private range stays closed.
    package static let egressAllow = "127.0.0.0/8,::1/128"
    /// How long one part may take to be ready, and to stop.
    static let startLimit = Duration.seconds(30)
    static let stopGrace = Duration.seconds(12)
    /// How long the processes themselves drain; less than `stopGrace`, or they would be killed while they do.
    static let drainSeconds = 5

    /// What is to be started.
    package struct Plan: Sendable {
        package var folder: DevFolder
        /// Nil: 127.0.0.1:8888, or a free port when that one is taken.
        package var listen: ListenAddress?
        /// Nil: a private Redis in the folder.
        package var redisURL: String?
        package var isVerbose: Bool
        /// Whether the folder stays, and with it the keys and what the private Redis holds.
        package var isKept: Bool
        /// Where `herald-api` and `herald-notifier` are.
        package var executables: URL
        package var environment: [String: String]
        /// Port on loopback that all mail is given to; nil: what the environment says.
        package var mailPort: Int?

        package init(
            folder: DevFolder, listen: ListenAddress?, redisURL: String?, isVerbose: Bool, isKept: Bool,
            executables: URL, environment: [String: String]
        ) {
            self.folder = folder
            self.listen = listen
            self.redisURL = redisURL
            self.isVerbose = isVerbose
            self.isKept = isKept
            self.executables = executables
            self.environment = environment
        }
    }

    /// A deployment that serves.
    package struct Running: Sendable {
        package let url: String
        /// Where the WebSocket protocol is spoken: `127.0.0.1:9000`.
        package let webSocket: String?
        package let redisURL: String
        /// Where `/livez`, `/readyz` and `/metrics` of the two processes are answered: `127.0.0.1:4711`.
        package let apiAdmin: String?
        package let notifierAdmin: String?
        /// Words about the address, when it is not the usual one.
        package let remark: String?

        package init(
            url: String, webSocket: String?, redisURL: String, apiAdmin: String?, notifierAdmin: String?,
            remark: String?
        ) {
            self.url = url
            self.webSocket = webSocket
            self.redisURL = redisURL
            self.apiAdmin = apiAdmin
            self.notifierAdmin = notifierAdmin
            self.remark = remark
        }
    }

    /// What ended a deployment.
    private enum End: Sendable {
        case body
        case child(String, Child.Exit)
        case signal
    }

    /// Who mails are from when they are caught; the domain is for tests (RFC 6761, 6.2).
    static let mailFrom = "Herald <herald@herald.test>"

    /// Starts a deployment, runs `body`, and stops the deployment: notifier, API, Redis, in that order, whatever happened.
    ///
    /// - Parameter interruption: Returns when the deployment is to stop.
    /// - Throws: What `body` throws; ``Failure`` when a part does not start or ends by itself; ``Interrupted`` after
    ///   an interruption.
    package static func run(
        _ plan: Plan, terminal: Terminal, interruption: @escaping @Sendable () async -> Void,
        _ body: @escaping @Sendable (Running) async throws -> Void
    ) async throws {
        let lock = try await plan.folder.open()
        let (ends, report) = AsyncStream.makeStream(of: End.self)
        let parts = DevParts(plan: plan, lock: lock, terminal: terminal) { report.yield(.child($0, $1)) }

        let end: Result<End, any Error>
        do {
            end = .success(
                try await withThrowingTaskGroup(of: End.self) { group in
                    group.addTask {
                        await interruption()
                        return .signal
                    }
                    group.addTask {
                        for await end in ends { return end }
                        return .signal
                    }
                    group.addTask {
                        try await body(try await parts.start())
                        return .body
                    }
                    // The first end is the end; the other two are cancelled and not asked.
                    defer { group.cancelAll() }
                    return try await group.next() ?? .body
                })
        } catch {
            end = .failure(error)
        }
        let stopped = await parts.stop()
        DevRecord.remove(from: plan.folder)
        withExtendedLifetime(lock) {}
        terminal.line(terminal.styled(self.lastLine(stopped: stopped, plan), .dim))
        switch try end.get() {
        case .body: return
        case .child(let name, let exit): throw Failure("\(name) ended by itself with \(exit)")
        case .signal: throw Interrupted()
        }
    }

    /// What was stopped, and what is left of it.
    private static func lastLine(stopped: [String], _ plan: Plan) -> String {
        let names = stopped.isEmpty ? "Nothing had started." : "Stopped \(stopped.joined(separator: ", "))."
        guard plan.isKept else { return "\(names) Its folder is removed." }
        guard plan.redisURL == nil else {
            return "\(names) Kept: the keys in \(plan.folder.url.path), and everything in the Redis that was given."
        }
        return "\(names) Kept in \(plan.folder.url.path): keys, queues and messages."
    }
}
