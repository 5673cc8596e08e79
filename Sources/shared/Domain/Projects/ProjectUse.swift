/// The limits of a project beside what it uses of each.
package struct ProjectUse: Sendable, Equatable {
    package let project: ProjectID
    /// What holds, the deployment's where the project has none of its own.
    package let limits: ProjectLimits
    package let own: OwnLimits
    /// Without one that is not counted.
    package let used: [ProjectLimit: Int]

    package init(project: ProjectID, limits: ProjectLimits, own: OwnLimits, used: [ProjectLimit: Int]) {
        self.project = project
        self.limits = limits
        self.own = own
        self.used = used
    }
}
