package import Domain
package import Logging
package import Signing
package import Store

/// What a caller can do, free of any transport: values in, values out.
///
/// One file per verb.
///
/// Throws ``Refusal`` for the caller's fault, `StoreError` and ``BodyUnreadable`` for ours, and nothing else.
package struct Operations: Sendable {
    let store: Store
    let limits: Limits
    let masterKey: MasterKey
    let vault: Vault
    let modes: Modes
    let logger: Logger
    let sealing = SealingMemory()

    /// - Parameters:
    ///   - vault: Seals and opens bodies; nil: with the key derived from the master key alone.
    ///   - logger: Hears of what no answer can tell.
    package init(
        store: Store, limits: Limits = Limits(), masterKey: MasterKey, vault: Vault? = nil, modes: Modes = Modes(),
        logger: Logger = Logger(label: "herald-api")
    ) {
        self.store = store
        self.limits = limits
        self.masterKey = masterKey
        self.vault = vault ?? Vault(masterKey: masterKey)
        self.modes = modes
        self.logger = logger
    }

    /// Asks the store whether it is there.
    ///
    /// Also before an answer that needs nothing from it, such as "there is no message of that impossible id": a store that
    /// is down must not look like one that is empty.
    func ping() async throws(StoreError) {
        try await self.store.ping()
    }
}
