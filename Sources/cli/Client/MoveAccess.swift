import Domain
import NIOPosix
import Placement
import Runtime
import Settings
import Startup
import Store
import TLS

/// What the commands share that move queues.
struct MoveAccess {
    static let defaultName = "default"

    let directory: PoolDirectory

    static func open(_ flags: [Setting: String]) async throws -> MoveAccess {
        let (store, settings, logger) = try await ControlStore.open(
            flags: flags, unused: "no process has used this Redis yet: there is no queue to move")
        let directory = try await PoolDirectory.open(
            control: store, url: settings.redis,
            PoolDirectory.Settings(
                connections: 2, tls: TLSContextHolder(try settings.redisTLS.context(logger)),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger))
        // What an ended command left is ended first.
        try await MoveRecovery(directory, logger: logger).recover()
        return MoveAccess(directory: directory)
    }

    static func project(_ text: String) throws(Failure) -> ProjectID {
        do { return try ProjectID(text) } catch {
            throw Failure("the project '\(text.prefix(64))' is not allowed; allowed: 1 to 256 characters", .usage)
        }
    }

    static func queue(_ text: String) throws(Failure) -> QueueName {
        do { return try QueueName(text) } catch { throw Failure("'\(text.prefix(64))' is no name of a queue", .usage) }
    }

    /// nil: the default store.
    static func pool(_ text: String) throws(Failure) -> PoolName? {
        if text == Self.defaultName { return nil }
        do { return try PoolName(text) } catch { throw Failure("'\(text.prefix(64))' is no name of a pool", .usage) }
    }

    static func name(of pool: PoolName?) -> String { pool?.text ?? Self.defaultName }

    /// Runs what moves queues.
    static func failing<Result>(_ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let failure as MoveFailure {
            let status: CommandStatus =
                switch failure {
                case .absent, .noPool: .notFound
                case .format, .formatOlder, .idsDiffer, .occupied: .refused
                case .busy, .hindered, .collision, .changed: .later
                }
            throw Failure("\(failure)", status)
        }
    }
}
