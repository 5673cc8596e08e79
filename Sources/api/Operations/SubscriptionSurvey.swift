package import Domain
import HTTPClient
import Mail
import Placement
import Store

/// Which subscriptions of all projects are listed, and which page of them.
package struct SubscriptionSurveyRequest: Sendable {
    package var selection: SubscriptionSelection
    package var project: ProjectID?
    /// Needs a project.
    package var queue: QueueName?
    package var page: PageRequest

    package init(
        selection: SubscriptionSelection = .troubled, project: ProjectID? = nil, queue: QueueName? = nil,
        page: PageRequest = PageRequest()
    ) {
        self.selection = selection
        self.project = project
        self.queue = queue
        self.page = page
    }
}

extension SubscriptionSelection {
    /// The collections in which all of them are, in the order in which they are shown.
    fileprivate var collections: [SurveyedCollection] {
        switch self {
        // What gets worse meanwhile moves to one of those behind it.
        case .troubled: [.open, .disabled, .paused, .waiting]
        case .open: [.open]
        case .disabled: [.disabled]
        case .paused: [.paused]
        case .waiting: [.waiting]
        case .unconfirmed, .active, .all: [.subscriptions]
        }
    }

    /// Whether others are looked at, too.
    fileprivate var looksAtAll: Bool { self == .unconfirmed || self == .active }
}

extension Operations {
    /// Subscriptions over all projects, pools and shards, with how they are served.
    ///
    /// A page looks at some 500 subscriptions at most, so it may be empty and have a next one.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)`` also for a marker of another list.
    package func listSubscriptions(
        _ request: SubscriptionSurveyRequest
    ) async throws -> SurveyPage<ListedSubscription> {
        let limit = try Self.pageSize(request.page.limit, max: self.limits.subscriptionPageMax)
        if let queue = request.queue {
            guard let project = request.project else {
                throw Refusal.requestInvalid("A queue is listed with its project: both parameters are needed.")
            }
            return try await self.listSubscriptions(
                of: QueueAddress(project: project, name: queue), request.selection, request.page.marker, limit)
        }
        var walk = try SurveyWalk(request.selection.collections, after: request.page.marker)
        let stores = await self.surveyedStores()
        var rows: [ListedSubscription] = []
        try await walk.run(through: stores) {
            (members, place, pool, surveys) async throws(StoreError) in
            guard rows.count < limit else { return 0 }
            // Of these nearly each is a row.
            let isSparse = request.project != nil || request.selection.looksAtAll
            let part = members.prefix(isSparse ? members.count : limit - rows.count)
            let ids = part.compactMap { SubscriptionID($0) }
            let found = try await surveys.subscriptions(ids, in: place.shard)
            for subscription in found where request.project == nil || subscription.queue.project == request.project {
                let row = self.listed(subscription, in: pool)
                let isShownBefore = place.collection == .waiting && request.selection == .troubled
                guard request.selection.admits(subscription, mustConfirm: row.mustConfirm),
                    !(isShownBefore && subscription.health.isHeld)
                else { continue }
                rows.append(row)
                if rows.count == limit {
                    return (part.firstIndex { $0 == subscription.id.text } ?? 0) + 1
                }
            }
            return part.count
        }
        return SurveyPage(rows: rows, marker: walk.place?.marker, unreachable: walk.unreachable)
    }

    /// Those of one queue in the order of their creation; the marker is an id.
    private func listSubscriptions(
        of queue: QueueAddress, _ selection: SubscriptionSelection, _ marker: String?, _ limit: Int
    ) async throws -> SurveyPage<ListedSubscription> {
        var after: SubscriptionID?
        if let marker {
            guard let id = SubscriptionID(marker) else { throw SurveyWalk.markerInvalid }
            after = id
        }
        let placement = try await self.stores.placement(of: queue)
        let surveys = try await self.store(of: queue).surveys
        var page = SurveyPage<ListedSubscription>()
        for _ in 0..<Self.surveyedPartsMax {
            let (shard, ids) = try await surveys.subscriptions(
                of: queue, after: after, limit: StorageLimits.surveyedMax)
            for subscription in try await surveys.subscriptions(ids, in: shard) {
                let row = self.listed(subscription, in: placement?.pool?.text ?? "default")
                guard selection.admits(subscription, mustConfirm: row.mustConfirm) else { continue }
                page.rows.append(row)
                if page.rows.count == limit {
                    page.marker = subscription.id.text
                    return page
                }
            }
            guard ids.count == StorageLimits.surveyedMax, let last = ids.last else { return page }
            after = last
        }
        page.marker = after?.text
        return page
    }

    /// Parts of a queue's subscriptions that one page looks at.
    private static let surveyedPartsMax = 8

    private func listed(_ subscription: SurveyedSubscription, in pool: String) -> ListedSubscription {
        ListedSubscription(
            subscription, pool: pool, endpoint: Self.endpoint(of: subscription.subscriber),
            mustConfirm: self.mustConfirm(subscription.subscriber))
    }

    /// Where an address leads: of a URL the origin, since its path may be a secret; of mail the domain.
    private static func endpoint(of address: String) -> String {
        guard let subscriber = try? Subscriber(stored: address) else { return HTTPURL.unreadableOrigin }
        return switch subscriber.scheme.destination {
        case .webhook: HTTPURL.origin(of: address)
        case .email: (try? MailtoURI(address)).map { "mailto:\($0.address.domain)" } ?? HTTPURL.unreadableOrigin
        case .session: subscriber.scheme.rawValue
        }
    }

    /// Every Redis that holds queues, the default store first and the others in the order of their first pools.
    func surveyedStores() async -> [MeasuredStore] {
        await self.stores.measured().sorted {
            SurveyWalk.isBefore($0.endpoint.pools.first ?? nil, $1.endpoint.pools.first ?? nil)
        }
    }
}
