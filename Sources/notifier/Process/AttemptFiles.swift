import Runtime

/// The open files that attempts take.
package enum AttemptFiles {
    /// Redis, the admin server, the resolver's threads, the log: what is open besides webhooks.
    private static let others = 256
    /// While it connects, a transfer may try two addresses at once, and as many connections as there may be attempts are
    /// kept for the next ones.
    private static let perAttempt = 3

    /// The open files that so many attempts at once may take.
    package static func needed(for attempts: Int) -> Int { attempts * Self.perAttempt + Self.others }

    /// Raises the soft limit of open files as far as needed and allowed.
    ///
    /// - Returns: How many attempts there may be at once; `wanted`, or fewer when the hard limit is too low.
    static func raise(for wanted: Int) -> Int {
        let limit = OpenFiles.raise(to: Self.needed(for: wanted))
        guard limit < Self.needed(for: wanted) else { return wanted }
        return max(1, (limit - Self.others) / Self.perAttempt)
    }
}
