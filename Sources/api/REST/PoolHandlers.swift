import Documents
import Domain
import HTTPServer
import NIOCore
import Operations

/// Pools over HTTP.
struct PoolHandlers: Sendable {
    let operations: Operations

    func list(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        let isDetailed = try query.boolean("detailed")
        let pools = try await self.operations.listPools(query.page)
        let next = try request.pageLink("/v2/pools", query).next(after: pools.last?.name.text)
        return try request.page(PoolDocument.page(pools, isDetailed: isDetailed ?? false, next: next))
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        let isDetailed = try request.query.boolean("detailed") ?? false
        let pool = try await self.operations.showPool(request.pool)
        return .json(.ok, PoolDocument.pool(pool, isDetailed: isDetailed))
    }

    func put(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.putPool(request.pool, PoolBody(document: request.document))
        return Reply.empty(.created).with(.location, request.pool.path)
    }

    func update(_ request: ReceivedRequest) async throws -> Reply {
        let pool = try await self.operations.updatePool(request.pool, PoolPatch(document: request.document))
        return .json(.ok, PoolDocument.pool(pool, isDetailed: false))
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.deletePool(request.pool, isForced: try request.query.boolean("force") ?? false)
        return .empty(.noContent)
    }
}

/// Flavors over HTTP.
struct FlavorHandlers: Sendable {
    let operations: Operations

    func list(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        let isDetailed = try query.boolean("detailed")
        let flavors = try await self.operations.listFlavors(of: request.project, query.page)
        let next = try request.pageLink("/v2/flavors", query).next(after: flavors.last?.name.text)
        return try request.page(PoolDocument.page(flavors, isDetailed: isDetailed ?? false, next: next))
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        .json(.ok, PoolDocument.flavor(try await self.operations.showFlavor(request.flavor)))
    }

    func put(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.putFlavor(request.flavor, FlavorBody(put: request.document))
        return Reply.empty(.created).with(.location, request.flavor.name.path)
    }

    func update(_ request: ReceivedRequest) async throws -> Reply {
        let flavor = try await self.operations.updateFlavor(request.flavor, FlavorBody(patch: request.document))
        return .json(.ok, PoolDocument.flavor(flavor))
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.deleteFlavor(request.flavor)
        return .empty(.noContent)
    }
}

extension ReceivedRequest {
    /// Bytes of a query string that `Content-Location` repeats; the parameters of these lists take a tenth of it.
    private static let locationQueryBytesMax = 1024

    /// - Throws: ``Refusal``.
    fileprivate func pageLink(_ path: String, _ query: Query) throws(Refusal) -> PageLink {
        var link = PageLink(path: path)
        link.add("limit", try query.integer("limit"))
        link.add("detailed", try query.boolean("detailed"))
        return link
    }

    /// A page of what administrators list, with the address it was asked for at.
    ///
    /// - Throws: ``Refusal``.
    fileprivate func page(_ document: ByteBuffer) throws(Refusal) -> Reply {
        // An answer's header is no place for whatever a caller sends.
        guard self.head.query.utf8.count <= Self.locationQueryBytesMax else {
            throw .requestInvalid(
                "The query string of \(self.head.path) may have at most \(Self.locationQueryBytesMax) bytes.")
        }
        let location = self.head.query.isEmpty ? self.head.path : "\(self.head.path)?\(self.head.query)"
        return Reply.json(.ok, document).with(.contentLocation, location)
    }
}
