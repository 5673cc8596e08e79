import Glibc

/// The system's bound on open files, against what a notifier needs.
package enum OpenFiles {
    /// Redis, the admin server, the resolver's threads, the log: what is open besides webhooks.
    private static let others = 256
    /// While it connects, a transfer may try two addresses at once, and as many connections as there may be attempts are
    /// kept for the next ones.
    private static let perAttempt = 3

    /// The open files that so many attempts at once may take.
    package static func needed(for attempts: Int) -> Int { attempts * Self.perAttempt + Self.others }

    /// Raises the soft limit as far as needed and allowed.
    ///
    /// - Returns: How many attempts there may be at once; `wanted`, or fewer when the hard limit is too low.
    static func raise(for wanted: Int) -> Int {
        var limit = rlimit()
        let needed = rlim_t(Self.needed(for: wanted))
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        if limit.rlim_cur < needed {
            var raised = limit
            raised.rlim_cur = min(needed, limit.rlim_max)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        guard limit.rlim_cur < needed else { return wanted }
        return max(1, (Int(limit.rlim_cur) - Self.others) / Self.perAttempt)
    }
}
