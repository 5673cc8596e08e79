import Domain

/// Who asks: a client instance, acting for a project.
///
/// Without authentication the headers are trusted as they were sent.
struct Caller: Sendable {
    let client: ClientID
    let project: ProjectID

    /// - Throws: The client's fault before the project's.
    init(_ head: RequestHead) throws(Refusal) {
        self.client = try ClientID(uuid: head.client)
        self.project = try ProjectID(head.project)
    }
}
