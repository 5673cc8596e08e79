import Foundation
import Logging
import NIOPosix
import Redis
import Runtime
import Settings
import Startup
import Store
import TLS

/// The control store of a deployment, as a command reaches it that speaks to Redis.
enum ControlStore {
    /// One connection, without a log: what fails is the error of the command.
    static func client(
        of url: RedisURL, _ tls: TLSSettings, reach: WriteReach? = nil
    ) throws(SettingError) -> (redis: RedisClient, logger: Logger) {
        let logger = Logger(label: "herald") { _ in SwiftLogNoOpLogHandler() }
        let redis = RedisClient(
            url: url, tls: TLSContextHolder(try tls.context(logger)), connections: 1, reach: reach,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        return (redis, logger)
    }

    /// The same by settings that were read.
    static func client(_ reader: SettingReader) throws(SettingError) -> RedisClient {
        try self.client(of: StoreSettings.redis(reader), TLSSettings.client(.redis, reader)).redis
    }

    /// What ``kept(_:unused:)`` reads.
    static let settings = [
        Setting.redisURL, Setting.redisTLSCAFile, Setting.redisTLSCertificateFile, Setting.redisTLSKeyFile,
        Setting.configFile,
    ]

    /// Its Redis, for a command that opens no store.
    ///
    /// - Parameters:
    ///   - flags: As given to the command; the environment and the file count too.
    ///   - unused: What to say where no process has used this Redis yet.
    static func kept(_ flags: [Setting: String], unused: String) async throws -> RedisClient {
        let reader = try SettingReader(
            for: .api, flags: flags, environment: ProcessInfo.processInfo.environment, requiring: [Setting.redisURL])
        let redis = try self.client(reader)
        guard try await Store.isKept(on: redis) else { throw Failure(unused) }
        return redis
    }

    /// The store itself, with the settings that a process would open it by.
    ///
    /// - Parameters:
    ///   - flags: As given to the command; the environment and the file count too.
    ///   - unused: What to say where no process has used this Redis yet.
    /// - Throws: ``Failure``, or why the store cannot be opened.
    static func open(
        flags: [Setting: String], unused: String
    ) async throws -> (store: Store, settings: StoreSettings, logger: Logger) {
        let settings = try StoreSettings(
            SettingReader(for: .api, flags: flags, environment: ProcessInfo.processInfo.environment),
            isOfCommand: true)
        let (store, logger) = try await self.open(settings, unused: unused)
        return (store, settings, logger)
    }

    static func open(_ settings: StoreSettings, unused: String) async throws -> (store: Store, logger: Logger) {
        let (redis, logger) = try self.client(
            of: settings.redis, settings.redisTLS, reach: settings.reach)
        guard try await Store.isKept(on: redis) else { throw Failure(unused) }
        return (try await settings.openStore(on: redis, logger: logger), logger)
    }
}
