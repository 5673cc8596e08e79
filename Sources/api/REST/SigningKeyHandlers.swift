import Documents
import Domain
import HTTPServer
import Operations
import Signing

/// Signing keys of the caller's project over HTTP: body in, one operation, an answer out.
struct SigningKeyHandlers: Sendable {
    let operations: Operations

    func list(_ request: ReceivedRequest) async throws -> Reply {
        Self.reply(with: try await self.operations.signingKeys(of: request.project), at: request.now)
    }

    func rotate(_ request: ReceivedRequest) async throws -> Reply {
        let body = try SecretRotationBody(document: request.document)
        return Self.reply(
            with: try await self.operations.rotateSigningKey(of: request.project, body), at: request.now)
    }

    private static func reply(with keys: WebhookSigningKeys, at now: Timestamp) -> Reply {
        var listed = [Self.entry(keys.versions.current, keys.current.publicKey, until: nil)]
        if let previous = keys.previous, now < previous.until {
            listed.append(Self.entry(keys.versions.current - 1, previous.key.publicKey, until: previous.until))
        }
        // What a cache answered would hide a rotation.
        return Reply.json(.ok, SigningKeysDocument.document(listed)).with(.cacheControl, "no-store")
    }

    private static func entry(
        _ version: Int, _ key: WebhookPublicKey, until: Timestamp?
    ) -> SigningKeysDocument.Key {
        SigningKeysDocument.Key(
            version: version, publicKey: key.text, x: key.x, thumbprint: key.thumbprint, until: until)
    }
}
