import UnixSignals

/// The ways a terminal says "enough": Ctrl-C, a polite kill, a closed window.
enum Interruptions {
    /// Traps them from now on, so that what was started can be stopped in order; the result waits for the first.
    static func trapped() async -> @Sendable () async -> Void {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        return {
            for await _ in signals { return }
        }
    }
}
