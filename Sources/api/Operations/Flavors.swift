package import Documents
package import Domain
import Placement
import Store

extension Operations {
    /// A page of the flavors of a project in the order of their names, those strictly greater than the marker.
    package func listFlavors(of project: ProjectID, _ page: PageRequest) async throws -> [FlavorView] {
        let limit = try Self.pageSize(page.limit, max: Limits.poolPageMax)
        let snapshot = try await self.pools()
        let names = snapshot.flavors.keys.filter { $0.project == project }.map(\.name)
            .filter { name in page.marker.map { name.text > $0 } ?? true }.sorted().prefix(limit)
        return try names.map { try Self.view(of: FlavorAddress(project: project, name: $0), in: snapshot) }
    }

    /// - Throws: ``Refusal/flavorNotFound``.
    package func showFlavor(_ flavor: FlavorAddress) async throws -> FlavorView {
        try Self.view(of: flavor, in: try await self.pools())
    }

    /// Makes a flavor, or another in its place.
    ///
    /// - Throws: ``Refusal/flavorPoolMissing(flavor:pool:)`` or ``Refusal/poolsDiffer(_:)``.
    package func putFlavor(_ flavor: FlavorAddress, _ body: FlavorBody) async throws {
        try await self.stores.change { snapshot throws(Refusal) in
            try snapshot.putting(flavor, of: body.pools)
        }
    }

    /// Gives a flavor other pools.
    ///
    /// - Throws: ``Refusal/flavorNotFound`` or ``Refusal/flavorUpdateRefused(_:)``.
    package func updateFlavor(_ flavor: FlavorAddress, _ body: FlavorBody) async throws -> FlavorView {
        try await self.stores.change { snapshot throws(Refusal) in
            guard snapshot.flavors[flavor] != nil else { throw .flavorNotFound }
            do throws(Refusal) {
                return try snapshot.putting(flavor, of: body.pools)
            } catch {
                switch error {
                case .flavorPoolMissing(let flavor, let pool):
                    throw .flavorUpdateRefused(
                        "Flavor \(flavor) could not be updated, error:Pool \(pool) does not exist")
                case .poolsDiffer(let reason): throw .flavorUpdateRefused(reason)
                default: throw error
                }
            }
        }
        return try await self.showFlavor(flavor)
    }

    /// Takes a flavor away; queues that were made by it stay where they are.
    ///
    /// One that is not there is no error.
    package func deleteFlavor(_ flavor: FlavorAddress) async throws {
        try await self.stores.change { snapshot throws(Refusal) in snapshot.removing(flavor) }
    }

    private static func view(of flavor: FlavorAddress, in snapshot: PoolSnapshot) throws(Refusal) -> FlavorView {
        guard let kept = snapshot.flavors[flavor] else { throw .flavorNotFound }
        return FlavorView(
            name: flavor.name, pools: snapshot.pools(of: flavor.name).map(\.name), capabilities: kept.capabilities)
    }
}
