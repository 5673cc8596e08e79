package import Domain
package import Signing
package import Store

/// What a caller can do, free of any transport: values in, values out. One file per verb.
///
/// Throws ``Refusal`` for the caller's fault and `StoreError` for ours, and nothing else.
package struct Operations: Sendable {
    let store: Store
    let limits: Limits
    let masterKey: MasterKey

    package init(store: Store, limits: Limits = Limits(), masterKey: MasterKey) {
        self.store = store
        self.limits = limits
        self.masterKey = masterKey
    }

    /// Asks the store whether it is there.
    ///
    /// Also before an answer that needs nothing from it, such as "there is no message of that impossible id": a store that
    /// is down must not look like one that is empty.
    func ping() async throws(StoreError) {
        try await self.store.ping()
    }
}
