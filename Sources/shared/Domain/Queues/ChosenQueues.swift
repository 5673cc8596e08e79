/// Queues of one project, as settings name them: `project/name`, or `project/prefix*` for all whose names begin so.
package struct ChosenQueues: Sendable, Equatable {
    package let project: ProjectID
    package let names: QueuePattern

    /// - Returns: nil for a text that names none.
    package init?(_ text: String) {
        // The name of a queue has no slash, that of a project may have some.
        guard let slash = text.lastIndex(of: "/"), let project = try? ProjectID(String(text[..<slash])),
            let names = QueuePattern(String(text[text.index(after: slash)...]))
        else { return nil }
        self.project = project
        self.names = names
    }
}
