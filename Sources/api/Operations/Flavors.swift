import Documents
import Domain
import Placement
import Store

extension Operations {
    /// A page of the flavors of a project in the order of their names, those strictly greater than `marker`.
    func listFlavors(of project: ProjectID, marker: String?, limit: Int) async throws -> [FlavorView] {
        let snapshot = try await self.pools()
        let names = snapshot.flavors.keys.filter { $0.project == project }.map(\.name)
            .filter { name in marker.map { name.text > $0 } ?? true }.sorted().prefix(limit)
        return try names.map { try Self.view(of: FlavorAddress(project: project, name: $0), in: snapshot) }
    }

    /// - Throws: ``Refusal/flavorNotFound``.
    func showFlavor(_ flavor: FlavorAddress) async throws -> FlavorView {
        try Self.view(of: flavor, in: try await self.pools())
    }

    /// Makes a flavor, or another in its place.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``, ``Refusal/flavorPoolMissing(flavor:pool:)`` or ``Refusal/poolsDiffer(_:)``.
    func putFlavor(_ flavor: FlavorAddress, document: [UInt8]) async throws {
        let body = try FlavorBody(put: document)
        try await self.stores.change { snapshot throws(Refusal) in
            try snapshot.putting(flavor, of: body.pools)
        }
    }

    /// Gives a flavor other pools.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``, ``Refusal/flavorNotFound`` or ``Refusal/flavorUpdateRefused(_:)``.
    func updateFlavor(_ flavor: FlavorAddress, document: [UInt8]) async throws -> FlavorView {
        let body = try FlavorBody(patch: document)
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
    func deleteFlavor(_ flavor: FlavorAddress) async throws {
        try await self.stores.change { snapshot throws(Refusal) in snapshot.removing(flavor) }
    }

    private static func view(of flavor: FlavorAddress, in snapshot: PoolSnapshot) throws(Refusal) -> FlavorView {
        guard let kept = snapshot.flavors[flavor] else { throw .flavorNotFound }
        return FlavorView(
            name: flavor.name, pools: snapshot.pools(of: flavor.name).map(\.name), capabilities: kept.capabilities)
    }
}
