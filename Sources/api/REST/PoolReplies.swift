import Domain
import HTTPTypes
import JSON
import NIOCore
import Redis
import Store

/// Pools over HTTP.
struct PoolReplies: Sendable {
    let operations: Operations

    func list(_ head: RequestHead, _ query: Query) async throws -> Reply {
        let isDetailed = try query.boolean("detailed")
        let limit = try query.limit(max: Limits.poolPageMax)
        let pools = try await self.operations.listPools(marker: query.text("marker"), limit: limit)
        return try Reply.page(of: head, "/v2/pools", query) { link, body in
            body.writeStaticString(#"{"pools":["#)
            for (index, pool) in pools.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                Self.write(pool, isDetailed: isDetailed ?? false, to: &body)
            }
            body.writeStaticString(#"],"links":"#)
            link.write(after: pools.last?.name.text, to: &body)
            body.writeStaticString("}")
        }
    }

    func show(_ name: PoolName, _ query: Query) async throws -> Reply {
        let isDetailed = try query.boolean("detailed") ?? false
        let pool = try await self.operations.showPool(name)
        return Reply.json(.ok) { Self.write(pool, isDetailed: isDetailed, to: &$0) }
    }

    func put(_ name: PoolName, _ body: ByteBuffer) async throws -> Reply {
        try await self.operations.putPool(name, document: Array(body.readableBytesView))
        return Reply.empty(.created).with(.location, name.path)
    }

    func update(_ name: PoolName, _ body: ByteBuffer) async throws -> Reply {
        let pool = try await self.operations.updatePool(name, document: Array(body.readableBytesView))
        return Reply.json(.ok) { Self.write(pool, isDetailed: false, to: &$0) }
    }

    func delete(_ name: PoolName, _ query: Query) async throws -> Reply {
        try await self.operations.deletePool(name, isForced: try query.boolean("force") ?? false)
        return .empty(.noContent)
    }

    private static func write(_ pool: Pool, isDetailed: Bool, to body: inout ByteBuffer) {
        body.writeStaticString(#"{"name":"#)
        body.writeJSON(pool.name.text)
        body.writeStaticString(#","href":"#)
        body.writeJSON(pool.name.path)
        body.writeStaticString(#","uri":"#)
        body.writeJSON(RedisURI.masked(pool.uri))
        body.writeStaticString(#","weight":"#)
        body.writeJSON(pool.weight)
        body.writeStaticString(#","flavor":"#)
        body.writeJSON(pool.label)
        if isDetailed {
            body.writeStaticString(#","options":"#)
            body.writeBytes(pool.options)
        }
        body.writeStaticString("}")
    }
}

/// Flavors over HTTP.
struct FlavorReplies: Sendable {
    let operations: Operations

    func list(of project: ProjectID, _ head: RequestHead, _ query: Query) async throws -> Reply {
        let isDetailed = try query.boolean("detailed")
        let limit = try query.limit(max: Limits.poolPageMax)
        let flavors = try await self.operations.listFlavors(
            of: project, marker: query.text("marker"), limit: limit)
        return try Reply.page(of: head, "/v2/flavors", query) { link, body in
            body.writeStaticString(#"{"flavors":["#)
            for (index, flavor) in flavors.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                Self.write(
                    flavor, hasCapabilities: isDetailed ?? false, hasPools: !flavor.pools.isEmpty, to: &body)
            }
            body.writeStaticString(#"],"links":"#)
            link.write(after: flavors.last?.name.text, to: &body)
            body.writeStaticString("}")
        }
    }

    func show(_ flavor: FlavorAddress) async throws -> Reply {
        let shown = try await self.operations.showFlavor(flavor)
        return Reply.json(.ok) { Self.write(shown, hasCapabilities: true, hasPools: true, to: &$0) }
    }

    func put(_ flavor: FlavorAddress, _ body: ByteBuffer) async throws -> Reply {
        try await self.operations.putFlavor(flavor, document: Array(body.readableBytesView))
        return Reply.empty(.created).with(.location, flavor.name.path)
    }

    func update(_ flavor: FlavorAddress, _ body: ByteBuffer) async throws -> Reply {
        let shown = try await self.operations.updateFlavor(flavor, document: Array(body.readableBytesView))
        return Reply.json(.ok) { Self.write(shown, hasCapabilities: true, hasPools: true, to: &$0) }
    }

    func delete(_ flavor: FlavorAddress) async throws -> Reply {
        try await self.operations.deleteFlavor(flavor)
        return .empty(.noContent)
    }

    private static func write(
        _ flavor: ShownFlavor, hasCapabilities: Bool, hasPools: Bool, to body: inout ByteBuffer
    ) {
        body.writeStaticString(#"{"name":"#)
        body.writeJSON(flavor.name.text)
        body.writeStaticString(#","href":"#)
        body.writeJSON(flavor.name.path)
        if hasPools { Self.write("pool_list", flavor.pools.map(\.text), to: &body) }
        if hasCapabilities { Self.write("capabilities", flavor.capabilities.names, to: &body) }
        body.writeStaticString("}")
    }

    private static func write(_ name: String, _ texts: [String], to body: inout ByteBuffer) {
        body.writeStaticString(",")
        body.writeJSON(name)
        body.writeStaticString(":[")
        for (index, text) in texts.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            body.writeJSON(text)
        }
        body.writeStaticString("]")
    }
}

extension Reply {
    /// Bytes of a query string that `Content-Location` repeats; the parameters of these lists take a tenth of it.
    private static let locationQueryBytesMax = 1024

    /// A page of what administrators list, with the link to the next one.
    ///
    /// - Throws: ``Refusal``.
    fileprivate static func page(
        of head: RequestHead, _ path: String, _ query: Query, _ write: (PageLink, inout ByteBuffer) -> Void
    ) throws(Refusal) -> Reply {
        var link = PageLink(path: path)
        link.add("limit", try query.integer("limit"))
        link.add("detailed", try query.boolean("detailed"))
        // An answer's header is no place for whatever a caller sends.
        guard head.query.utf8.count <= Self.locationQueryBytesMax else {
            throw .requestInvalid("The query string of \(path) may have at most \(Self.locationQueryBytesMax) bytes.")
        }
        let location = head.query.isEmpty ? head.path : "\(head.path)?\(head.query)"
        return Reply.json(.ok, capacity: 1024) { write(link, &$0) }.with(.contentLocation, location)
    }
}

extension PoolName {
    /// Names are made of characters that need no escape.
    fileprivate var path: String { "/v2/pools/\(self.text)" }
}

extension FlavorName {
    fileprivate var path: String { "/v2/flavors/\(self.text)" }
}
