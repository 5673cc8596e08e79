import Documents
import Domain
import HTTPServer
import Operations

/// Suppressed addresses over HTTP: query and path in, one operation, an answer out.
struct SuppressionHandlers: Sendable {
    let operations: Operations

    func list(_ request: ReceivedRequest) async throws -> Reply {
        let page = try request.query.page
        var link = PageLink(path: "/v2/suppressions")
        link.add("limit", page.limit)
        let (found, next) = try await self.operations.listSuppressions(of: request.project, page)
        return .json(.ok, SuppressionDocument.page(found, next: link.next(after: next)))
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        .json(
            .ok,
            SuppressionDocument.suppression(
                try await self.operations.getSuppression(request.address, of: request.project)))
    }

    func put(_ request: ReceivedRequest) async throws -> Reply {
        let isNew = try await self.operations.suppress(request.address, of: request.project)
        return .empty(isNew ? .created : .noContent)
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.endSuppression(request.address, of: request.project)
        return .empty(.noContent)
    }
}
