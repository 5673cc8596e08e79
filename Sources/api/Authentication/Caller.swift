import Domain

/// Who asks: a client instance, acting for a project.
struct Caller: Sendable {
    let client: ClientID
    let project: ProjectID
    let identity: Identity

    /// - Parameter client: What the request says of the client instance; nil when it says nothing.
    /// - Throws: ``Refusal``, that of the client before that of the project.
    init(client: String?, of form: ClientIDForm, _ identity: Identity) throws(Refusal) {
        self.client = try form.read(client)
        self.project = try ProjectID(identity.project)
        self.identity = identity
    }

    private init(_ client: ClientID, _ project: ProjectID, _ identity: Identity) {
        self.client = client
        self.project = project
        self.identity = identity
    }

    /// The same caller, whose identity was established again.
    func with(_ identity: Identity) -> Caller { Caller(self.client, self.project, identity) }
}
