package import Domain
import Placement
import Store

/// What projects may have, and what they have of it.
extension Operations {
    /// The limits of a project, as they are now, and what it uses; without what a pool cannot say.
    package func showLimits(of project: ProjectID) async throws -> ProjectUse {
        let own = try await self.projects.own(project)
        var used: [ProjectLimit: Int] = [
            .queues: try await self.stores.defaultStore.directory.count(of: project)
        ]
        if let usage = await self.usage.use(of: project) {
            (used[.subscriptions], used[.bytes]) = (usage.subscriptions, usage.bytes)
        }
        let limits = self.projects.defaults.replaced(by: own)
        used[.connections] = try await self.connections.count(of: project, max: limits.connections)
        return ProjectUse(project: project, limits: limits, own: own, used: used)
    }

    /// Gives a project limits of its own, in place of those it has; every process goes by them within five seconds.
    ///
    /// What it has beyond a limit stays; there is no more until it has less.
    package func putLimits(_ own: OwnLimits, of project: ProjectID) async throws {
        try await self.projects.put(own, for: project)
    }

    /// Leaves a project with the limits of the deployment; one that has none of its own is no error.
    package func clearLimits(of project: ProjectID) async throws {
        try await self.projects.put(.none, for: project)
    }
}
