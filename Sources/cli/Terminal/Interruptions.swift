import UnixSignals

/// What ends a command early: Ctrl-C, a polite kill, a closed window, an output that cannot be written.
enum Interruptions {
    /// Traps the signals from now on, so that what was started can be stopped in order; the result waits for the first
    /// of all.
    static func trapped(output: StandardOutput = .shared) async -> @Sendable () async -> Void {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        return {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in signals { return } }
                group.addTask { await output.waitForFailure() }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
