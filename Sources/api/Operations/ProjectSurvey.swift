package import Domain
import Placement
import Store

extension Operations {
    /// Projects that have queues, by their ids, with their limits and what they use.
    ///
    /// - Parameter page: The marker is the id of a project.
    /// - Throws: ``Refusal/requestInvalid(_:)`` also for a marker that is no id.
    package func listProjects(_ page: PageRequest) async throws -> SurveyPage<ProjectUse> {
        let limit = try Self.pageSize(page.limit, max: Limits.projectPageMax)
        var after: ProjectID?
        if let marker = page.marker {
            do { after = try ProjectID(marker) } catch { throw SurveyWalk.markerInvalid }
        }
        let projects = try await self.stores.defaultStore.projects.list(after: after, limit: limit)
        let uses = try await withThrowingTaskGroup(of: (Int, ProjectUse).self) { group in
            for (index, project) in projects.enumerated() {
                group.addTask { (index, try await self.showLimits(of: project)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
        // One whose last queue an older version deleted is listed still.
        return SurveyPage(
            rows: uses.filter { $0.used[.queues] ?? 0 > 0 },
            marker: projects.count < limit ? nil : projects.last?.text)
    }
}
