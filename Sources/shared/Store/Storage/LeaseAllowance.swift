package import Domain

/// What one call may hand out: in all, and of each project.
package struct LeaseAllowance: Sendable, Equatable {
    /// Most projects that have a number of their own.
    package static let projectsMax = 256
    /// Most leases of one call.
    package static let capacityMax = 1000

    /// Leases in all; above ``capacityMax`` it counts as that.
    package var capacity: Int
    /// Leases of each project that has no number of its own.
    package var projectMax: Int
    /// Leases of these projects; 0: nothing of it is handed out.
    ///
    /// Of more than ``projectsMax`` those with the smallest numbers count, the others as ``projectMax``.
    package var projects: [ProjectID: Int]
    /// Of those with 0, the projects that may have more in a moment: their events stay, for a delivery that waits costs Redis
    /// twice.
    package var paced: Set<ProjectID>

    /// - Parameter projectMax: nil: a project may have all of it.
    package init(
        capacity: Int, projectMax: Int? = nil, projects: [ProjectID: Int] = [:], paced: Set<ProjectID> = []
    ) {
        self.capacity = capacity
        self.projectMax = projectMax ?? capacity
        self.projects = projects
        self.paced = paced
    }

    /// Leases nothing.
    package static let none = LeaseAllowance(capacity: 0)

    /// As scripts take it: capacity, most of a project, count, then project, number of each; -1 for one that is paced.
    var arguments: [String] {
        func bounded(_ number: Int) -> String { String(min(max(number, 0), Self.capacityMax)) }
        var named = Array(self.projects)
        if named.count > Self.projectsMax {
            named.sort { $0.value < $1.value }
            named.removeLast(named.count - Self.projectsMax)
        }
        return [bounded(self.capacity), bounded(self.projectMax), String(named.count)]
            + named.flatMap { [$0.key.text, self.paced.contains($0.key) ? "-1" : bounded($0.value)] }
    }
}
