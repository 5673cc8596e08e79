/// A queue among all queues of all tenants.
package struct QueueAddress: Hashable, Sendable {
    package let project: ProjectID
    package let name: QueueName

    package init(project: ProjectID, name: QueueName) {
        self.project = project
        self.name = name
    }

    /// `<bytes of the project>:<project>:<queue>`: length-prefixed, so that no project and queue can spell another pair.
    package var key: String { "\(self.project.text.utf8.count):\(self.project.text):\(self.name.text)" }
}
