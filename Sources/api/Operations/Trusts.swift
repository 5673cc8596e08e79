import Documents
import Domain
package import Keystone
package import Logging
import Runtime
import Store

/// The trusts by which notifiers call endpoints with a token of the user who subscribed them.
///
/// Who that is, in which project and with which roles, is what Keystone says of the token of the request.
package struct Trusts: Sendable {
    /// Who subscribes.
    struct Trustor: Sendable {
        let token: KeystoneToken
        let validated: ValidatedToken
    }

    private let keystone: KeystoneClient
    private let logger: Logger

    /// - Parameter keystone: Asks as the trustee.
    package init(_ keystone: KeystoneClient, logger: Logger) {
        self.keystone = keystone
        self.logger = logger
    }

    /// Makes a trust for the user of a token.
    ///
    /// - Throws: ``Refusal/trustRefused(_:)``, `KeystoneTrouble`.
    func make(with token: String?, for project: ProjectID, until end: Timestamp) async throws -> TrustID {
        let trustor = try await self.trustor(token, project)
        switch try await self.keystone.makeTrust(with: trustor.token, of: trustor.validated, until: end) {
        case .created(let trust): return trust
        case .refused(let reason):
            throw Refusal.trustRefused("Keystone makes no trust with this token: \(reason)")
        }
    }

    /// Checks that a trust was given by the user of a token, in the project, to the trustee that Herald is.
    ///
    /// - Throws: ``Refusal/trustRefused(_:)``, `KeystoneTrouble`.
    func check(_ id: TrustID, with token: String?, for project: ProjectID) async throws {
        let trustor = try await self.trustor(token, project)
        guard let trust = try await self.keystone.trust(id), trust.trustor == trustor.validated.user,
            trust.project == project.text, try await self.keystone.isTrustee(of: trust)
        else {
            throw Refusal.trustRefused(
                "The trust of trust_id is not one that this user gave this service for this project.")
        }
    }

    /// Removes a trust with the token of a request, if that is its trustor's; otherwise a notifier does, later.
    func remove(_ id: TrustID, with token: String?) async {
        guard let token = token.flatMap(KeystoneToken.init) else { return }
        do throws(KeystoneTrouble) {
            _ = try await self.keystone.removeTrust(id, with: token)
        } catch {
            self.logger.debug("A trust was not removed yet", metadata: [LogKey.error: "\(error)"])
        }
    }

    private func trustor(_ text: String?, _ project: ProjectID) async throws -> Trustor {
        guard let token = text.flatMap(KeystoneToken.init),
            let validated = try await self.keystone.validateByItself(token)
        else {
            throw Refusal.trustRefused(
                "A subscriber that is called with a token takes a request with a token of Keystone.")
        }
        guard validated.project == project.text else {
            throw Refusal.trustRefused("The token of the request is for another project.")
        }
        return Trustor(token: token, validated: validated)
    }
}

/// What the subscription of a trusted subscriber is to be stored with.
struct TrustPlan: Sendable {
    /// A JSON object, with the id of the trust.
    let options: [UInt8]
    /// One that was made just now; nil: none was.
    let made: TrustID?
}

extension Operations {
    /// The trust of a subscription that is to be made: the one it names, or a new one.
    func trust(
        for body: SubscriptionBody, of queue: QueueAddress, token: String?, until end: Timestamp
    ) async throws -> TrustPlan {
        guard body.subscriber.scheme.isTrusted else { return TrustPlan(options: body.options, made: nil) }
        let trusts = try self.trustsForCallers
        if case .given(let id) = body.trust.choice {
            try await trusts.check(id, with: token, for: queue.project)
            return TrustPlan(options: body.options, made: nil)
        }
        let made = try await trusts.make(with: token, for: queue.project, until: end)
        return TrustPlan(options: TrustOption.replaced(by: made, in: body.options), made: made)
    }

    /// What a change of a subscription makes of its trust.
    ///
    /// A change of the ttl makes a new one, since a trust ends when its subscription was to end.
    ///
    /// - Parameter there: The subscription as it is.
    /// - Returns: The same change, with options and a trust where they change.
    func trusting(
        _ change: SubscriptionChange, _ patch: SubscriptionPatch, of there: Subscription, in queue: QueueAddress,
        token: String?, now: Timestamp
    ) async throws -> (change: SubscriptionChange, made: TrustID?) {
        let stored = try? Subscriber(stored: there.subscriber)
        let wasTrusted = stored?.scheme.isTrusted == true
        guard let scheme = patch.subscriber?.scheme ?? stored?.scheme, scheme.isTrusted || wasTrusted else {
            return (change, nil)
        }
        let before = TrustOption(stored: there.options) ?? .none
        let said = patch.options == nil ? before : patch.trust
        try said.check(for: scheme)
        var change = change
        change.version = there.version
        if patch.options == nil { change.pace = nil }
        let options = patch.options ?? there.options
        guard scheme.isTrusted else {
            change.options = TrustOption.replaced(by: nil, in: options)
            change.trust = .ends
            return (change, nil)
        }
        let trusts = try self.trustsForCallers
        if patch.options != nil, case .given(let id) = said.choice, !wasTrusted || said.choice != before.choice {
            try await trusts.check(id, with: token, for: queue.project)
            change.trust = .ends
            return (change, nil)
        }
        let isOwn = try await self.store(of: queue).trusts.made(for: there.id, of: queue) != nil
        if wasTrusted, case .given(let id) = before.choice, said.choice != .anew, patch.ttl == nil || !isOwn {
            if patch.options != nil { change.options = TrustOption.replaced(by: id, in: options) }
            return (change, nil)
        }
        let end = now.adding(seconds: patch.ttl ?? (there.ttl - there.age))
        let made = try await trusts.make(with: token, for: queue.project, until: end)
        change.options = TrustOption.replaced(by: made, in: options)
        change.trust = .made(made)
        return (change, made)
    }

    private var trustsForCallers: Trusts {
        get throws(Refusal) {
            guard let trusts = self.trusts else {
                throw .trustRefused("No trusts are made here: the service has no user of Keystone for that.")
            }
            return trusts
        }
    }
}
