import Documents
import Domain
import HTTPServer
import Operations

/// Limits of projects over HTTP: path and body in, one operation, an answer out.
struct ProjectLimitHandlers: Sendable {
    let operations: Operations

    /// Of the project of the caller.
    func showOwn(_ request: ReceivedRequest) async throws -> Reply {
        try await self.show(request.project)
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        try await self.show(request.targetProject)
    }

    func put(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.putLimits(
            ProjectLimitsBody.limits(document: request.document), of: request.targetProject)
        return .empty(.noContent)
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.clearLimits(of: request.targetProject)
        return .empty(.noContent)
    }

    private func show(_ project: ProjectID) async throws -> Reply {
        .json(.ok, ProjectUseDocument.document(try await self.operations.showLimits(of: project)))
    }
}
