import Documents
import Domain
import HTTPServer
import Operations

/// Projects, queues and subscriptions of a whole deployment over HTTP: query in, one operation, a page out.
struct SurveyHandlers: Sendable {
    let operations: Operations

    func projects(_ request: ReceivedRequest) async throws -> Reply {
        let page = try request.query.page
        let found = try await self.operations.listProjects(page)
        return .json(.ok, SurveyDocument.projects(found, next: try Self.link(request).next(after: found.marker)))
    }

    func queues(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        let found = try await self.operations.listQueues(
            QueueSurveyRequest(
                selection: try Self.selection(query) ?? .all, project: try Self.project(query), page: query.page))
        return .json(
            .ok,
            SurveyDocument.queues(
                found, next: try Self.link(request, "state", "project").next(after: found.marker)))
    }

    func subscriptions(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        let found = try await self.operations.listSubscriptions(
            SubscriptionSurveyRequest(
                selection: try Self.selection(query) ?? .troubled, project: try Self.project(query),
                queue: try query.text("queue").map { text throws(Refusal) in try QueueName(text) }, page: query.page))
        return .json(
            .ok,
            SurveyDocument.subscriptions(
                found, next: try Self.link(request, "state", "project", "queue").next(after: found.marker)))
    }

    private static func link(_ request: ReceivedRequest, _ parameters: String...) throws(Refusal) -> PageLink {
        let query = try request.query
        var link = PageLink(path: request.route.template)
        link.add("limit", try query.integer("limit"))
        for name in parameters {
            if let text = query.text(name) { link.add(name, text) }
        }
        return link
    }

    private static func selection<Selection: CaseIterable & RawRepresentable<String>>(
        _ query: Query
    ) throws(Refusal) -> Selection? {
        guard let text = query.text("state") else { return nil }
        guard let selection = Selection(rawValue: text) else {
            let names = Selection.allCases.map(\.rawValue).joined(separator: ", ")
            throw .parameterMalformed(name: "state", expected: "one of \(names)")
        }
        return selection
    }

    private static func project(_ query: Query) throws(Refusal) -> ProjectID? {
        guard let text = query.text("project") else { return nil }
        do { return try ProjectID(text) } catch {
            throw .requestInvalid("project has to be 1 to \(ProjectID.charactersMax) characters, without U+FFFD.")
        }
    }
}
