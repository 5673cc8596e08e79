package import Domain
import Mail
import Placement
import Store

/// The mail addresses that a project sends nothing to.
extension Operations {
    /// A page of suppressed addresses, oldest first.
    ///
    /// A marker that is none lists nothing.
    ///
    /// - Returns: The page, and the marker behind it; nil when it is empty.
    package func listSuppressions(
        of project: ProjectID, _ page: PageRequest
    ) async throws -> (page: [Suppression], next: String?) {
        let limit = try Self.pageSize(page.limit, max: self.limits.subscriptionPageMax)
        var after: SuppressionMarker?
        if let marker = page.marker {
            guard let order = Int64(marker), order >= 0 else {
                try await self.ping()
                return ([], nil)
            }
            after = SuppressionMarker(order: order)
        }
        let found = try await self.stores.defaultStore.suppressions.list(of: project, after: after, limit: limit)
        return (found.map(\.suppression), found.last.map { String($0.marker.order) })
    }

    /// - Throws: ``Refusal/suppressionNotFound``, or ``Refusal/requestInvalid(_:)`` for what is no address.
    package func getSuppression(_ address: String, of project: ProjectID) async throws -> Suppression {
        let address = try Self.normalized(address)
        guard let found = try await self.stores.defaultStore.suppressions.get(address, of: project) else {
            throw Refusal.suppressionNotFound
        }
        return found
    }

    /// Suppresses an address until the suppression is ended.
    ///
    /// - Returns: Whether it was not suppressed before.
    /// - Throws: ``Refusal/requestInvalid(_:)`` for what is no address.
    package func suppress(_ address: String, of project: ProjectID) async throws -> Bool {
        let address = try Self.normalized(address)
        return try await self.stores.defaultStore.suppressions.add(address, of: project, .manual, detail: "")
    }

    /// Ends the suppression of an address; one that is not there is no error.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)`` for what is no address.
    package func endSuppression(_ address: String, of project: ProjectID) async throws {
        _ = try await self.stores.defaultStore.suppressions.remove(try Self.normalized(address), of: project)
    }

    private static func normalized(_ address: String) throws(Refusal) -> String {
        do throws(MailAddressInvalid) {
            return try MailAddress(address).listed
        } catch {
            throw .requestInvalid("The path does not end with an address that mail can be sent to: \(error.reason).")
        }
    }
}
