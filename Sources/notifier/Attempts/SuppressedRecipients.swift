import Domain
import Logging
import Store

/// Finds out which recipients their projects send nothing to.
///
/// It asks once for all deliveries of one planning, and keeps nothing: what is suppressed or no longer suppressed counts from
/// the next attempt on.
struct SuppressedRecipients: Sendable {
    /// What is known of the recipients of one planning.
    struct Found: Sendable {
        enum Verdict: Sendable {
            case notSuppressed, suppressed
            /// The store could not be asked.
            case unknown
        }

        /// nil: the store could not be asked.
        fileprivate let suppressed: Set<SuppressibleAddress>?

        func verdict(of target: any ChannelTarget, of project: ProjectID) -> Verdict {
            guard let address = target.suppressibleAddress else { return .notSuppressed }
            guard let suppressed else { return .unknown }
            return suppressed.contains(SuppressibleAddress(address, of: project)) ? .suppressed : .notSuppressed
        }
    }

    /// What becomes of a delivery while the store cannot be asked: nothing may be sent that a project suppressed.
    static var postponed: Settlement.Ending { .postponed(.milliseconds(.random(in: 5_000...10_000))) }

    private let store: SuppressionStore
    private let logger: Logger

    /// - Parameter store: Of the control store, wherever the deliveries lie.
    init(store: SuppressionStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Looks all of these up; without one that can be suppressed it asks nothing.
    func find(among deliveries: some Sequence<(Lease, Recipients.Found)>) async -> Found {
        var addresses: Set<SuppressibleAddress> = []
        for (lease, found) in deliveries {
            guard case .known(let recipient) = found, let address = recipient.target?.suppressibleAddress else { continue }
            addresses.insert(SuppressibleAddress(address, of: lease.queue.project))
        }
        guard !addresses.isEmpty else { return Found(suppressed: []) }
        do throws(StoreError) {
            return Found(suppressed: try await self.store.suppressed(among: addresses))
        } catch {
            self.logger.warn("Suppressed addresses could not be read, what is sent to addresses waits", error)
            return Found(suppressed: nil)
        }
    }
}
