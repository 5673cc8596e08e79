package import Documents
package import Domain
import Placement
package import Signing
package import Store

/// The keys that webhooks of a project are signed with where its receivers have only their public halves.
extension Operations {
    /// Those that count.
    package func signingKeys(of project: ProjectID) async throws(StoreError) -> WebhookSigningKeys {
        let versions = try await self.stores.defaultStore.signingKeys.versions(of: project)
        return self.masterKey.signingKeys(project: project, versions: versions)
    }

    /// Gives a project its next key; for a while webhooks are signed with the one before, too.
    ///
    /// Every notifier goes by it within ten seconds.
    package func rotateSigningKey(
        of project: ProjectID, _ body: SecretRotationBody
    ) async throws(StoreError) -> WebhookSigningKeys {
        let versions = try await self.stores.defaultStore.signingKeys.rotate(project, overlap: body.overlap)
        return self.masterKey.signingKeys(project: project, versions: versions)
    }
}
