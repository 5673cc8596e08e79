import Foundation
import Logging
import NIOPosix
import Redis
import Settings
import Startup
import Store

/// Makes the settings of a start the ones that all processes of the folder's own Redis must have.
///
/// Elsewhere that is a decision of the operator (`herald settings accept`), since processes of other machines share the
/// Redis. Here all of them are started together, with the same settings.
enum DevAgreement {
    /// - Parameters:
    ///   - environment: That of the processes.
    ///   - limit: How long Redis may take to load its files.
    static func accept(environment: [String: String], within limit: Duration) async throws {
        let settings: StoreSettings
        do {
            settings = try StoreSettings(SettingReader(for: .api, flags: [:], environment: environment))
        } catch {
            throw Failure("\(error)")
        }
        let logger = Logger(label: "herald") { _ in SwiftLogNoOpLogHandler() }
        let redis = try ControlStore.client(of: settings.redis, settings.redisTLS).redis
        do {
            try await self.accept(settings, on: redis, logger: logger, until: .now + limit)
        } catch {
            await redis.shutDown()
            throw error
        }
        await redis.shutDown()
    }

    private static func accept(
        _ settings: StoreSettings, on redis: RedisClient, logger: Logger, until deadline: ContinuousClock.Instant
    ) async throws {
        while true {
            do {
                return try await settings.accept(in: settings.openStore(on: redis, logger: logger))
            } catch let error as SettingError {
                throw Failure("\(error)")
            } catch {
                guard ContinuousClock.now < deadline else { throw Failure("Redis does not answer: \(error)") }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}
