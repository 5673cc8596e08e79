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

    /// How much longer than its subscription a trust lives, whose end is by another clock, and the last moment there is.
    private static let marginSeconds = 120
    private static let endMax = Timestamp(milliseconds: 253_402_300_799_000)

    /// Makes a trust for the user of a token.
    ///
    /// - Parameter end: When its subscription ends.
    /// - Throws: ``Refusal/trustRefused(_:)``, `KeystoneTrouble`.
    func make(with token: String?, for project: ProjectID, until end: Timestamp) async throws -> TrustID {
        let trustor = try await self.trustor(token, project)
        let end = min(end.adding(seconds: Self.marginSeconds), Self.endMax)
        switch try await self.keystone.makeTrust(with: trustor.token, of: trustor.validated, until: end) {
        case .created(let trust): return trust
        case .refused(let reason):
            throw Refusal.trustRefused("Keystone makes no trust with this token: \(reason)")
        }
    }

    /// Whether a trust was given by the user of a token, in the project, to the trustee that Herald is, for tokens of that user.
    ///
    /// - Throws: `KeystoneTrouble`.
    func belongs(_ id: TrustID, to token: String?, for project: ProjectID) async throws -> Bool {
        guard let user = try await self.holder(of: token)?.validated, user.project == project.text,
            let trust = try await self.keystone.trust(id)
        else { return false }
        guard trust.trustor == user.user, trust.project == project.text, trust.isUsable else { return false }
        return try await self.keystone.isTrustee(of: trust)
    }

    /// - Throws: ``Refusal/trustRefused(_:)`` for a trust that does not belong to the user of a token; `KeystoneTrouble`.
    func check(_ id: TrustID, with token: String?, for project: ProjectID) async throws {
        guard try await self.belongs(id, to: token, for: project) else {
            throw Refusal.trustRefused(
                "The trust of trust_id is not one that this user gave this service for this project, with impersonation and for any "
                    + "number of uses.")
        }
    }

    /// How long a removal may hold up an answer.
    private static let removalMax = Duration.seconds(2)

    /// Removes a trust with the token of a request, if that is its trustor's and Keystone answers soon; otherwise a notifier does, later.
    func remove(_ id: TrustID, with token: String?) async {
        guard let token = token.flatMap(KeystoneToken.init) else { return }
        do throws(KeystoneTrouble) {
            _ = try await self.keystone.removeTrust(id, with: token, within: Self.removalMax)
        } catch {
            self.logger.debug("A trust was not removed yet", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// nil for a text that is no token that holds.
    private func holder(of text: String?) async throws -> Trustor? {
        guard let token = text.flatMap(KeystoneToken.init),
            let validated = try await self.keystone.validateByItself(token)
        else { return nil }
        return Trustor(token: token, validated: validated)
    }

    private func trustor(_ text: String?, _ project: ProjectID) async throws -> Trustor {
        guard let trustor = try await self.holder(of: text) else {
            throw Refusal.trustRefused(
                "A subscriber that is called with a token takes a request with a token of Keystone.")
        }
        guard trustor.validated.project == project.text else {
            throw Refusal.trustRefused("The token of the request is for another project.")
        }
        return trustor
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
        if let id = body.trust.trust {
            try await trusts.check(id, with: token, for: queue.project)
            return TrustPlan(options: body.options, made: nil)
        }
        let made = try await trusts.make(with: token, for: queue.project, until: end)
        return TrustPlan(options: TrustOption.replaced(by: made, in: body.options), made: made)
    }

    /// What a change of a subscription makes of its trust.
    ///
    /// Its tokens are those of one user, so only that user says where they go and what is sent with them; another one gives a trust of its
    /// own, and names both. A longer life takes a new trust, since a trust ends when its subscription was to end.
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
        if patch.options == nil { change.pace = nil }
        let options = patch.options ?? there.options
        guard scheme.isTrusted else {
            change.options = TrustOption.replaced(by: nil, in: options)
            change.trust = .ends
            return (change, nil)
        }
        let held = wasTrusted ? before.trust : nil
        if patch.options != nil, let named = said.trust, named != held {
            try await self.trustsForCallers.check(named, with: token, for: queue.project)
            change.trust = .ends
            return (change, nil)
        }
        let left = there.ttl - there.age
        let isLonger = patch.ttl.map { $0 > left } ?? false
        if let held {
            let changesUse = patch.subscriber != nil || patch.options != nil
            guard changesUse || isLonger else { return (change, nil) }
            let isOfCaller = try await self.trustsForCallers.belongs(held, to: token, for: queue.project)
            guard isOfCaller || (patch.subscriber != nil && patch.options != nil) else {
                throw Refusal.trustRefused(
                    "The trust of this subscription is another user's. Name a subscriber and options to have them called with a token "
                        + "of yours.")
            }
            let isOwn = try await self.store(of: queue).trusts.made(for: there.id, of: queue) != nil
            if isOfCaller, said.choice != .anew, !isLonger || !isOwn {
                if patch.options != nil { change.options = TrustOption.replaced(by: held, in: options) }
                return (change, nil)
            }
        }
        let made = try await self.trustsForCallers.make(
            with: token, for: queue.project, until: now.adding(seconds: patch.ttl ?? left))
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
