import Domain
import Logging
import Store

/// Decides which deliveries may go to addresses that projects can suppress: to none that is suppressed, and to none more than the
/// operator permits in an hour.
///
/// It asks the control store once for all deliveries of one planning, and keeps nothing: what is suppressed or no longer
/// suppressed counts from the next attempt on.
struct AddressRules: Sendable {
    /// What is known of the deliveries of one planning.
    struct Verdicts: Sendable {
        enum Verdict: Sendable {
            case permitted, suppressed
            /// Not now.
            case waits(Settlement.Ending)
        }

        fileprivate var verdicts: [LeasedDelivery.ID: Verdict] = [:]

        /// Of nothing.
        static let none = Verdicts()

        /// nil when it was not asked about.
        subscript(id: LeasedDelivery.ID) -> Verdict? { self.verdicts[id] }
    }

    private let store: Store
    private let hourlyMax: Int?
    private let collectsExcess: Bool
    private let logger: Logger

    /// - Parameters:
    ///   - store: The control store, wherever the deliveries lie.
    ///   - hourlyMax: Most notifications of a project to an address in any hour; nil: no limit.
    ///   - collectsExcess: Whether those above it are to go out in one.
    init(store: Store, hourlyMax: Int?, collectsExcess: Bool, logger: Logger) {
        self.store = store
        self.hourlyMax = hourlyMax
        self.collectsExcess = collectsExcess
        self.logger = logger
    }

    private struct Asked {
        let delivery: LeasedDelivery
        let address: SuppressibleAddress
    }

    /// Decides about deliveries to addresses that can be suppressed.
    ///
    /// Where the store cannot be asked they wait: nothing may be sent that a project suppressed.
    func verdicts(on deliveries: [(delivery: LeasedDelivery, address: String)]) async -> Verdicts {
        let asked = deliveries.map { delivery, address in
            Asked(delivery: delivery, address: SuppressibleAddress(address, of: delivery.lease.queue.project))
        }
        var verdicts = Verdicts()
        guard !asked.isEmpty else { return verdicts }
        do throws(StoreError) {
            let suppressed = try await self.store.suppressions.suppressed(among: Set(asked.map(\.address)))
            for asked in asked {
                verdicts.verdicts[asked.delivery.id] = suppressed.contains(asked.address) ? .suppressed : .permitted
            }
            try await self.reserve(asked.filter { !suppressed.contains($0.address) }, in: &verdicts)
        } catch {
            self.logger.warn("What projects suppress could not be read, what is sent to addresses waits", error)
            for asked in asked {
                verdicts.verdicts[asked.delivery.id] = .waits(.postponed(.milliseconds(.random(in: Self.pause))))
            }
        }
        return verdicts
    }

    private static let pause = 5_000.0...10_000

    private func reserve(_ asked: [Asked], in verdicts: inout Verdicts) async throws(StoreError) {
        guard let hourlyMax = self.hourlyMax else { return }
        // Confirmations have a limit of their own, and tests are the owner's.
        let limited = asked.filter { $0.delivery.lease.kind == .notification }.map {
            let lease = $0.delivery.lease
            let id = self.store.deliveries.deliveryID(subscription: lease.subscription, position: lease.position)
            return (lease: $0.delivery.id, address: $0.address, id: id)
        }
        guard !limited.isEmpty else { return }
        let waits = try await self.store.addressRates.reserve(
            limited.map { (address: $0.address, id: $0.id) }, hourlyMax: hourlyMax)
        for one in limited {
            guard let wait = waits[one.id] else { continue }
            // Nothing else of the subscription would fare better.
            verdicts.verdicts[one.lease] = .waits(self.collectsExcess ? .collected(wait) : .parked(wait))
        }
    }
}
