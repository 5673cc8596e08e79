import ServiceLifecycle
import UnixSignals

/// Takes files into use that are changed while the process runs: looks at those of the policy, and listens for SIGHUP.
///
/// It is there without files too: a process that is to read its files again must not end because it has none.
struct ReloadWatch: Service {
    private static let interval = Duration.seconds(2)

    private let reloader: PolicyReloader
    private let audit: AuditLog?

    init(_ reloader: PolicyReloader, _ audit: AuditLog?) {
        self.reloader = reloader
        self.audit = audit
    }

    func run() async throws {
        let hangUps = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in hangUps {
                        self.audit?.reopen()
                        await self.reloader.reload()
                    }
                }
                group.addTask {
                    // Cancelled, it throws, which ends the loop.
                    while (try? await Task.sleep(for: Self.interval)) != nil { await self.reloader.look() }
                }
            }
        }
    }
}
