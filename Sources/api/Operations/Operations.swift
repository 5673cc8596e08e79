package import Domain
package import Logging
package import Placement
package import Signing
import Store

/// What a caller can do, free of any transport: values in, values out.
///
/// One file per verb. A class, so that handing it on copies one reference.
///
/// Throws ``Refusal`` for the caller's fault, `StoreError` and ``BodyUnreadable`` for ours, and nothing else.
package final class Operations: Sendable {
    let stores: PoolDirectory
    let limits: Limits
    let masterKey: MasterKey
    let vault: Vault
    let modes: Modes
    /// nil: subscribers are not asked.
    let confirmation: ConfirmationRules?
    let logger: Logger
    let sealing = SealingMemory()
    let health = HealthMemory()

    /// - Parameters:
    ///   - stores: Knows where each queue lives.
    ///   - vault: Seals and opens bodies; nil: with the key derived from the master key alone.
    ///   - logger: Hears of what no answer can tell.
    package init(
        stores: PoolDirectory, limits: Limits = Limits(), masterKey: MasterKey, vault: Vault? = nil,
        modes: Modes = Modes(), confirmation: ConfirmationRules? = nil, logger: Logger = Logger(label: "herald-api")
    ) {
        self.stores = stores
        self.limits = limits
        self.masterKey = masterKey
        self.vault = vault ?? Vault(masterKey: masterKey)
        self.modes = modes
        self.confirmation = confirmation
        self.logger = logger
    }

    /// The store of a queue with everything that belongs to it.
    ///
    /// An operation asks once, and does all of its work there.
    func store(of queue: QueueAddress) async throws(StoreError) -> Store {
        try await self.stores.store(of: queue)
    }

    /// Asks the store of everything that is not in a queue whether it is there.
    ///
    /// Also before an answer that needs nothing from it, such as "there is no message of that impossible id": a store that
    /// is down must not look like one that is empty.
    func ping() async throws(StoreError) {
        try await self.stores.defaultStore.ping()
    }

    /// Asks the store where a queue lives, or would, whether it is there.
    func ping(for queue: QueueAddress) async throws(StoreError) {
        try await self.store(of: queue).ping()
    }
}
