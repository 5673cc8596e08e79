package import Domain
import Placement
import Store

/// Which queues of all projects are listed, and which page of them.
package struct QueueSurveyRequest: Sendable {
    package var selection: QueueSelection
    package var project: ProjectID?
    package var page: PageRequest

    package init(selection: QueueSelection = .all, project: ProjectID? = nil, page: PageRequest = PageRequest()) {
        self.selection = selection
        self.project = project
        self.page = page
    }
}

extension Operations {
    /// Queues over all projects and pools, with what they hold.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)`` also for a marker of another list.
    package func listQueues(_ request: QueueSurveyRequest) async throws -> SurveyPage<ListedQueue> {
        let limit = try Self.pageSize(request.page.limit, max: self.limits.queuePageMax)
        return switch request.selection {
        case .all: try await self.listDirectory(request.project, request.page.marker, limit)
        case .holding: try await self.listHolding(request.project, request.page.marker, limit)
        }
    }

    private func listHolding(
        _ project: ProjectID?, _ marker: String?, _ limit: Int
    ) async throws -> SurveyPage<ListedQueue> {
        var walk = try SurveyWalk([.holding], after: marker)
        let stores = await self.surveyedStores()
        var rows: [ListedQueue] = []
        try await walk.run(through: stores) {
            (members, _, pool, surveys) async throws(StoreError) in
            guard rows.count < limit else { return 0 }
            let part = members.prefix(project == nil ? limit - rows.count : members.count)
            let queues = part.map { QueueAddress(key: $0) }
            let wanted = queues.compactMap(\.self).filter { project == nil || $0.project == project }
            let found = try await surveys.queues(Array(wanted))
            for held in found.compactMap(\.self) where held.messages > 0 {
                rows.append(ListedQueue(queue: held.queue, pool: pool, held: held))
                if rows.count == limit { return (queues.firstIndex { $0 == held.queue } ?? 0) + 1 }
            }
            return part.count
        }
        return SurveyPage(rows: rows, marker: walk.place?.marker, unreachable: walk.unreachable)
    }

    /// By projects and names, as the directory of queues has them.
    private func listDirectory(
        _ wanted: ProjectID?, _ marker: String?, _ limit: Int
    ) async throws -> SurveyPage<ListedQueue> {
        let control = self.stores.defaultStore
        var (project, after): (ProjectID?, String?) = (wanted, nil)
        if let marker {
            guard let place = DirectoryPlace(marker: marker), wanted == nil || wanted == place.project else {
                throw SurveyWalk.markerInvalid
            }
            (project, after) = (place.project, place.name)
        } else if wanted == nil {
            project = try await control.projects.list(after: nil, limit: 1).first
        }
        var page = SurveyPage<ListedQueue>()
        for _ in 0..<Self.directoryPartsMax {
            guard let current = project else { return page }
            let names = try await control.directory.page(of: current, after: after, limit: limit - page.rows.count)
            try await self.add(names.map { QueueAddress(project: current, name: $0) }, to: &page)
            if page.rows.count == limit || names.count == limit {
                after = names.last?.text
                break
            }
            guard wanted == nil else { return page }
            (project, after) = (try await control.projects.list(after: current, limit: 1).first, nil)
        }
        page.marker = project.map { DirectoryPlace(project: $0, name: after).marker }
        return page
    }

    /// Parts of the directory that one page looks at: projects with few queues, or names of queues that are not there.
    private static let directoryPartsMax = 32

    /// Adds queues of one project to a page; those that are not there are left out.
    private func add(_ queues: [QueueAddress], to page: inout SurveyPage<ListedQueue>) async throws {
        var pools: [QueueAddress: PoolName?] = [:]
        for (queue, location) in zip(queues, try await self.stores.defaultStore.directory.locate(queues)) {
            if case .at(let pool) = location { pools[queue] = pool }
        }
        var held: [QueueAddress: SurveyedQueue] = [:]
        var away: Set<PoolName?> = []
        for pool in Set(pools.values) {
            let here = queues.filter { pools[$0] == .some(pool) }
            do throws(StoreError) {
                let found = try await self.stores.unregistered(pool).surveys.queues(here)
                for case let queue? in found { held[queue.queue] = queue }
            } catch {
                guard let pool else { throw error }
                away.insert(pool)
                if !page.unreachable.contains(pool.text) { page.unreachable.append(pool.text) }
            }
        }
        for queue in queues {
            guard let pool = pools[queue], held[queue] != nil || away.contains(pool) else { continue }
            page.rows.append(ListedQueue(queue: queue, pool: pool?.text ?? "default", held: held[queue]))
        }
    }
}

/// Where a page of the directory ended: at a project, and behind a queue of it.
private struct DirectoryPlace {
    let project: ProjectID
    /// nil: before its first one.
    let name: String?

    init(project: ProjectID, name: String?) {
        self.project = project
        self.name = name
    }

    /// `4:shop:orders`: the bytes of the project in front, since it may hold any text.
    var marker: String { "\(self.project.text.utf8.count):\(self.project.text):\(self.name ?? "")" }

    /// - Returns: nil for a text that is no marker.
    init?(marker: String) {
        if let queue = QueueAddress(key: marker) {
            self.init(project: queue.project, name: queue.name.text)
        } else if marker.hasSuffix(":"), let queue = QueueAddress(key: marker + "-") {
            self.init(project: queue.project, name: nil)
        } else {
            return nil
        }
    }
}
