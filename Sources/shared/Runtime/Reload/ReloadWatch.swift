import NIOConcurrencyHelpers
import ServiceLifecycle
import UnixSignals

/// What comes from files that change while the process runs.
package protocol Reloadable: Sendable {
    /// Reads the files if they have changed, and no longer change.
    func look() async

    /// Reads the files as they are.
    func reload() async
}

/// Takes files into use that are changed while the process runs: has them looked at, and listens for SIGHUP.
///
/// It is there without files too: a process that is to read its files again must not end because it has none.
package final class ReloadWatch: Service {
    private static let interval = Duration.seconds(2)

    private let all = NIOLockedValueBox<[any Reloadable]>([])

    package init() {}

    /// From here on it is looked at.
    package func add(_ reloadable: any Reloadable) { self.all.withLockedValue { $0.append(reloadable) } }

    package func run() async throws {
        let hangUps = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in hangUps {
                        for each in self.all.withLockedValue({ $0 }) { await each.reload() }
                    }
                }
                group.addTask {
                    // Cancelled, it throws, which ends the loop.
                    while (try? await Task.sleep(for: Self.interval)) != nil {
                        for each in self.all.withLockedValue({ $0 }) { await each.look() }
                    }
                }
            }
        }
    }
}
