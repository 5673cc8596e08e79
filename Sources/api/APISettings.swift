package import Domain
package import Redis
package import Runtime
package import Signing

/// What the API was told, ready to work with.
///
/// Making it checks what only its users can check.
///
/// | key | default | |
/// |---|---|---|
/// | `redis.url` | `redis://127.0.0.1:6379/0` | the store |
/// | `redis.connections` | 2 | for pipelined commands |
/// | `shards` | 16 | fixed at the first start |
/// | `master.key` | - | signing secrets are derived from it |
/// | `message.encryption.keys` | - | newest first; without them one derived from the master key |
/// | `signed.url.keys` | - | newest first; short ones are taken with a warning |
/// | `confirmation.required`, `api.public.url` | `false`, - | see ``ConfirmationRules`` |
/// | `api.listen` | `127.0.0.1:8888` | REST |
/// | `api.auth` | `none` | identity headers are trusted |
/// | `limits.…`, `defaults.…` | the contract's | see ``Limits`` |
/// | `client.id.…`, `api.admin.mode`, `cors.…` | strict, off, off | see ``AccessRules`` |
/// | `message.checksum`, `message.delete.needs.claim` | `none`, `false` | see ``Modes`` |
///
/// `docs/configuration.md` tells all of them, with flags and variables.
package struct APISettings: Sendable {
    /// Keys of pre-signed URLs shorter than this are warned about: deployments have them, and they can be guessed.
    package static let signedURLKeyBytesWanted = 16

    package let redis: RedisEndpoint
    package let redisConnections: Int
    package let shards: Int
    package let masterKey: MasterKey
    package let vault: Vault
    package let access: AccessRules
    package let modes: Modes
    package let confirmation: ConfirmationRules?
    package let hasShortSignedURLKey: Bool
    package let listen: ListenAddress
    package let limits: Limits

    package init(_ reader: SettingReader) throws(SettingError) {
        do {
            self.redis = try RedisEndpoint(url: try reader.required(.redisURL))
        } catch let error as SettingError {
            throw error
        } catch {
            throw reader.invalid(.redisURL)
        }
        self.redisConnections = try reader.integer(.redisConnections)
        self.limits = try Limits(reader)
        self.shards = try reader.integer(.shards)
        do {
            self.masterKey = try MasterKey(try reader.required(.masterKey))
        } catch let error as SettingError {
            throw error
        } catch {
            throw reader.invalid(.masterKey)
        }
        self.vault = try Vault(reader, masterKey: self.masterKey)
        self.modes = try Modes(reader)
        self.confirmation = try ConfirmationRules(reader)
        self.access = try AccessRules(reader)
        self.hasShortSignedURLKey = reader.list(.signedURLKeys).contains {
            $0.utf8.count < Self.signedURLKeyBytesWanted
        }
        self.listen = try reader.address(.apiListen)
    }
}
