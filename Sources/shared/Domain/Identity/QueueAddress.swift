/// A queue among all queues of all tenants.
package struct QueueAddress: Hashable, Sendable {
    package let project: ProjectID
    package let name: QueueName
    /// `<bytes of the project>:<project>:<queue>`: length-prefixed, so that no project and queue can spell another pair.
    package let key: String

    package init(project: ProjectID, name: QueueName) {
        self.project = project
        self.name = name
        // Spelled once: every operation of a queue asks for it several times.
        self.key = "\(project.text.utf8.count):\(project.text):\(name.text)"
    }

    package static func == (left: QueueAddress, right: QueueAddress) -> Bool { left.key.hasSameBytes(as: right.key) }
    package func hash(into hasher: inout Hasher) { self.key.hashBytes(into: &hasher) }
}
