import Domain

/// Who asks: a client instance, acting for a project.
///
/// Without authentication the headers are trusted as they were sent.
struct Caller: Sendable {
    private static let administratorRole = "admin"

    let client: ClientID
    let project: ProjectID
    let isAdministrator: Bool

    /// - Throws: The client's fault before the project's.
    init(_ head: RequestHead, clients: ClientIDForm) throws(Refusal) {
        self.client = try clients.read(head.client)
        self.project = try ProjectID(head.project)
        self.isAdministrator =
            !head.roles.isEmpty
            && head.roles.split(separator: ",").contains { role in
                role.lowercased().split(separator: " ") == [Substring(Self.administratorRole)]
            }
    }
}
