import Operations
import ServiceLifecycle

/// Sees to it that no request waits for its turn for longer than it may, however long those before it take.
struct AdmissionWatch: Service {
    private static let interval = Duration.seconds(1)

    let admission: ProjectAdmission

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                // Cancelled, it throws, which ends the loop.
                try await Task.sleep(for: Self.interval)
                self.admission.refuseOverdue()
            }
        }
    }
}
