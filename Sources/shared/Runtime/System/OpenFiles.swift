import Glibc

/// The system's bound on open files of this process.
package enum OpenFiles {
    /// Raises the soft limit as far as wanted and allowed; never lowers it.
    ///
    /// - Returns: The soft limit then; `wanted` where there is none that could be read.
    package static func raise(to wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        if limit.rlim_cur < rlim_t(wanted) {
            var raised = limit
            raised.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        // No limit is the greatest number there is.
        return Int(clamping: limit.rlim_cur)
    }
}
