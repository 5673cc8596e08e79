package import Domain
package import Signing
import Store

/// A link as its holder brings it.
package enum LinkRequest: Sendable, Equatable {
    /// The token of a link that leads to the pages of this API.
    case token(String)
    /// The parts of a link to an external page (notifications contract, 5.3).
    case signed(SignedLink)

    /// What is signed is one path, ``path``, for `PUT`.
    package struct SignedLink: Sendable, Equatable {
        package let signature: String
        package let methods: String
        package let path: String
        package let project: String
        package let expires: String

        package init(signature: String, methods: String, path: String, project: String, expires: String) {
            self.signature = signature
            self.methods = methods
            self.path = path
            self.project = project
            self.expires = expires
        }
    }
}

/// What a link leads to.
package struct LinkedSubscription: Sendable, Equatable {
    package let queue: QueueAddress
    package let id: SubscriptionID
    /// The subscriber, as the subscription has it.
    package let subscriber: String
}

/// Why a link does nothing.
package enum LinkRefused: Error, Sendable, Equatable {
    /// It was not made here, or for something else.
    case wrong
    case expired
    /// It was sent to an address the subscription no longer has, or before its subscriber left.
    case outdated
    /// Its subscription is not there any more.
    case ended
}

/// What the holder of a link does with it: without being a client of any project.
extension Operations {
    /// Finds what a link leads to; nothing changes.
    ///
    /// - Throws: ``LinkRefused``.
    package func showLink(
        _ link: LinkRequest, for purpose: LinkToken.Purpose, now: Timestamp
    ) async throws -> LinkedSubscription {
        let (found, _) = try await self.find(link, for: purpose, now: now)
        return found
    }

    /// Confirms the subscription of a link.
    ///
    /// - Returns: What it leads to, and the token of a link to leave; nil where the project is too long for one.
    /// - Throws: ``LinkRefused``.
    package func confirmLink(
        _ link: LinkRequest, now: Timestamp
    ) async throws -> (subscription: LinkedSubscription, leaveToken: String?) {
        let (found, known) = try await self.find(link, for: .confirm, now: now)
        let confirmed = try await self.store(of: known.queue).subscriptions.confirm(
            known.queue, id: known.id, true, linkExpiry: known.expiry, address: found.subscriber)
        guard confirmed else { throw LinkRefused.outdated }
        let token = LinkToken(.unsubscribe, of: known.id, in: known.queue, sentTo: found.subscriber)
        return (found, self.linkKeys.seal(token))
    }

    /// Ends the notifications of the subscription of a link; doing so again changes nothing.
    ///
    /// No mail is sent about it: the link for a return is in the answer.
    ///
    /// - Returns: What it leads to, and the token of a link to come back; nil where the project is too long for one.
    /// - Throws: ``LinkRefused``; ``LinkRefused/ended`` when there is nothing left to leave.
    package func leaveLink(
        _ link: LinkRequest, now: Timestamp
    ) async throws -> (subscription: LinkedSubscription, returnToken: String?) {
        let (found, known) = try await self.find(link, for: .unsubscribe, now: now)
        let expiry = try await self.store(of: known.queue).subscriptions.leave(
            known.queue, id: known.id, address: found.subscriber,
            returnExpiry: now.seconds + Int64(self.limits.subscriptionTTLDefault))
        guard let expiry else { throw LinkRefused.outdated }
        let token = LinkToken(.confirm, of: known.id, in: known.queue, sentTo: found.subscriber, expiry: expiry)
        return (found, self.linkKeys.seal(token))
    }

    /// What a link says of itself.
    private struct KnownLink {
        let queue: QueueAddress
        let id: SubscriptionID
        /// nil: it says so by its expiry.
        let address: AddressMark?
        let expiry: Int64?
    }

    private func find(
        _ link: LinkRequest, for purpose: LinkToken.Purpose, now: Timestamp
    ) async throws -> (found: LinkedSubscription, known: KnownLink) {
        let known =
            switch link {
            case .token(let text): try self.read(text, for: purpose, now: now)
            case .signed(let signed): try self.read(signed, now: now)
            }
        let store = try await self.store(of: known.queue)
        guard let subscription = try await store.subscriptions.get(known.queue, id: known.id) else {
            throw LinkRefused.ended
        }
        if let address = known.address, address != AddressMark(of: subscription.subscriber) {
            throw LinkRefused.outdated
        }
        if let expiry = known.expiry, expiry <= subscription.barredLinkExpiry { throw LinkRefused.outdated }
        return (LinkedSubscription(queue: known.queue, id: known.id, subscriber: subscription.subscriber), known)
    }

    private func read(
        _ text: String, for purpose: LinkToken.Purpose, now: Timestamp
    ) throws(LinkRefused) -> KnownLink {
        do throws(LinkTokenInvalid) {
            let token = try self.linkKeys.open(text, for: purpose, at: now)
            return KnownLink(
                queue: token.queue, id: token.subscription, address: token.address, expiry: token.expiry)
        } catch {
            switch error {
            case .forged: throw .wrong
            case .expired: throw .expired
            }
        }
    }

    /// Reads a link of the contract; its signature covers the path that names queue and subscription.
    private func read(_ link: LinkRequest.SignedLink, now: Timestamp) throws(LinkRefused) -> KnownLink {
        let parts = link.path.split(separator: "/", omittingEmptySubsequences: false)
        guard let expiry = SignedURLExpiry(link.expires), parts.count == 7,
            link.path == "/v2/queues/\(parts[3])/subscriptions/\(parts[5])/confirm",
            let id = SubscriptionID(String(parts[5])), let name = try? QueueName(String(parts[3])),
            let project = try? ProjectID(link.project)
        else { throw .wrong }
        let url = SignedURL(paths: [link.path], methods: [link.methods], project: project.text, expiry: expiry)
        // Whether it has ended is said only of one that was made here.
        let moment = min(now, Timestamp(milliseconds: (expiry.seconds - 1) * 1000))
        guard
            url.admits(link.signature, method: "PUT", path: link.path, keys: self.signedURLKeys, now: moment)
        else { throw .wrong }
        guard expiry.isAfter(now) else { throw .expired }
        return KnownLink(
            queue: QueueAddress(project: project, name: name), id: id, address: nil, expiry: expiry.seconds)
    }
}
