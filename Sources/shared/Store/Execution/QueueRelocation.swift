package import Domain

/// Finds where the calls of a queue go that was found closed.
package protocol QueueRelocation: AnyObject, Sendable {
    /// The store that a queue lives on now, once it is open there.
    ///
    /// - Throws: ``StoreError/closed`` where that takes too long.
    func access(nowTo queue: QueueAddress) async throws(StoreError) -> StoreAccess
}

/// The way of calls to a store.
package struct StoreAccess: Sendable {
    let runner: ScriptRunner
}
