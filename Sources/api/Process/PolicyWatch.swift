import ServiceLifecycle
import UnixSignals

/// Takes changed files of the policy into use while the process runs: looks at them, and listens for SIGHUP.
///
/// It is there without files too: a process that is to read its files again must not end because it has none.
struct PolicyWatch: Service {
    private static let interval = Duration.seconds(2)

    private let reloader: PolicyReloader

    init(_ reloader: PolicyReloader) { self.reloader = reloader }

    func run() async throws {
        let hangUps = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in hangUps { await self.reloader.reload() } }
                group.addTask {
                    // Cancelled, it throws, which ends the loop.
                    while (try? await Task.sleep(for: Self.interval)) != nil { await self.reloader.look() }
                }
            }
        }
    }
}
