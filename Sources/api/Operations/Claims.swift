package import Documents
package import Domain
import Store

extension Operations {
    /// Puts a claim on the oldest messages that are under none.
    ///
    /// - Parameters:
    ///   - limit: How many at most; nil: what the body says, else 10.
    ///   - wait: For how long to wait where there are none.
    /// - Returns: nil when there is nothing to claim, or no such queue.
    /// - Throws: ``Refusal/requestInvalid(_:)`` or ``BodyUnreadable``.
    package func createClaim(
        on queue: QueueAddress, _ body: ClaimBody, limit: Int?, wait: MessageWait? = nil
    ) async throws -> ClaimView? {
        if let limit, !(1...self.claimMessagesMax).contains(limit) {
            throw Self.outOfRange("limit", 1...self.claimMessagesMax)
        }
        let terms = try self.terms(of: body)
        let store = try await self.store(of: queue)
        let claim = try await self.found(in: queue, of: store, to: .take, wait) {
            try await store.claims.create(
                queue, limit: self.claimLimit(limit, body), ttl: terms.ttl, grace: terms.grace)
        }
        guard let claim else { return nil }
        if wait != nil, Task.isCancelled {
            // Its caller has gone.
            try? await store.claims.release(queue, id: claim.id)
            return nil
        }
        do throws(BodyUnreadable) {
            return ClaimView(
                id: claim.id, ttl: terms.ttl, age: 0, messages: try self.opened(claim.messages, of: queue, by: store))
        } catch {
            // The caller never learns the id of the claim; should this fail too, it ends by itself.
            try? await store.claims.release(queue, id: claim.id)
            throw error
        }
    }

    /// - Throws: ``Refusal/claimNotFound``, also for a claim that has ended, and for text that is no id.
    package func getClaim(_ text: String, of queue: QueueAddress) async throws -> ClaimView {
        guard let id = ClaimID(text) else {
            try await self.ping(for: queue)
            throw Refusal.claimNotFound
        }
        let store = try await self.store(of: queue)
        guard let claim = try await store.claims.get(queue, id: id) else { throw Refusal.claimNotFound }
        return ClaimView(
            id: id, ttl: claim.ttl, age: claim.age, messages: try self.opened(claim.messages, of: queue, by: store))
    }

    /// Lets a claim start anew.
    ///
    /// What the body does not say becomes the default, and does not stay as it was.
    ///
    /// - Throws: ``Refusal/claimNotFound``.
    package func updateClaim(_ text: String, of queue: QueueAddress, _ body: ClaimBody) async throws {
        let terms = try self.terms(of: body)
        guard let id = ClaimID(text) else {
            try await self.ping(for: queue)
            throw Refusal.claimNotFound
        }
        guard try await self.store(of: queue).claims.update(queue, id: id, ttl: terms.ttl, grace: terms.grace) else {
            throw Refusal.claimNotFound
        }
    }

    /// Ends a claim: what it still holds is free at once.
    ///
    /// One that is not there is no error.
    package func releaseClaim(_ text: String, of queue: QueueAddress) async throws {
        guard let id = ClaimID(text) else { return try await self.ping(for: queue) }
        try await self.store(of: queue).claims.release(queue, id: id)
    }

    /// Messages one claim or pop may take.
    var claimMessagesMax: Int { min(self.limits.claimMessagesMax, StorageLimits.claimMessagesMax) }

    private func claimLimit(_ limit: Int?, _ body: ClaimBody) -> Int {
        if let limit { return limit }
        if let asked = body.limit, (1...Int64(self.claimMessagesMax)).contains(asked) { return Int(asked) }
        return min(Limits.claimDefault, self.claimMessagesMax)
    }

    private func terms(of body: ClaimBody) throws(Refusal) -> (ttl: Int, grace: Int) {
        (
            try Self.seconds("ttl", body.ttl, self.limits.claimTTLMax) ?? self.limits.claimTTLDefault,
            try Self.seconds("grace", body.grace, self.limits.claimGraceMax) ?? self.limits.claimGraceDefault
        )
    }

    private static func seconds(_ name: String, _ value: Int64?, _ max: Int) throws(Refusal) -> Int? {
        guard let value else { return nil }
        guard (Int64(Limits.ttlMin)...Int64(max)).contains(value) else {
            throw .requestInvalid("The \(name) of a claim has to lie between \(Limits.ttlMin) and \(max) seconds.")
        }
        return Int(value)
    }
}
