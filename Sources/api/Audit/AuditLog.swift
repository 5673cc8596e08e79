import Dispatch
import Domain
package import Logging
import Metrics
import NIOCore
import Runtime
import ServiceLifecycle
package import Settings

/// Where the operator has the audit log.
package enum AuditDestination: Sendable, Equatable {
    case none
    case standardError
    /// The path of a file.
    case file(String)
}

/// One line for each request that changes something, for the operator.
///
/// A request never waits for it: a thread writes, and lines for which there is no space are dropped and counted.
package final class AuditLog: Service, Reloadable {
    /// How long the end of the process waits for lines that are not written.
    private static let flushLimit = Duration.seconds(1)

    private let writer: LineWriter
    /// nil for standard error.
    private let path: String?
    private let logger: Logger

    /// The audit log of an operator; nil for none.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` for a file that cannot be opened.
    package static func open(_ destination: AuditDestination, logger: Logger) throws(SettingError) -> AuditLog? {
        switch destination {
        case .none: return nil
        // One writer, so that no line is written into the middle of another; it counts for the log.
        case .standardError: return AuditLog(LogSetUp.standardError, path: nil, logger)
        case .file(let path):
            do throws(LogFile.Unusable) {
                return AuditLog(Self.writer(to: try LogFile.open(path), logger), path: path, logger)
            } catch {
                throw .unusable(Setting.apiAuditLog, value: path, reason: "cannot be opened: \(error.reason)")
            }
        }
    }

    private init(_ writer: LineWriter, path: String?, _ logger: Logger) {
        self.writer = writer
        self.path = path
        self.logger = logger
    }

    private static func writer(to descriptor: Int32, _ logger: Logger) -> LineWriter {
        let dropped = Metric.auditDropped.counter()
        return LineWriter(
            descriptor, droppedLine: { Self.gap(of: $0, at: .ofThisMachine()) },
            onDrop: { count in
                dropped.increment(by: Int64(count))
                logger.warning("Lines of the audit log are missing")
            },
            onFailure: { reason in
                logger.warning(
                    "The audit log cannot be written", metadata: [LogKey.error: "\(FileFault.words(errno: reason))"])
            })
    }

    /// The line that stands for those that are missing.
    static func gap(of count: Int, at now: Timestamp) -> String {
        var line = JSONLine(textBytesMax: AuditEntry.textBytesMax)
        line.member("time", now.iso8601)
        line.member("missing", Int64(count))
        return line.finished
    }

    /// Writes the line of a request.
    ///
    /// - Parameter start: When it arrived.
    func write(_ entry: AuditEntry, status: Int, since start: NIODeadline) {
        let milliseconds = (NIODeadline.now() - start).nanoseconds / 1_000_000
        self.writer.write(entry.line(status: status, milliseconds: milliseconds, at: .ofThisMachine()))
    }

    /// Its file is only written: what changes in it is its own.
    package func look() {}

    /// Goes on in a new file of the same path, since the one from before was moved away.
    ///
    /// One that cannot be opened changes nothing.
    package func reload() {
        guard let path else { return }
        do throws(LogFile.Unusable) {
            self.writer.replaceDescriptor(with: try LogFile.open(path))
            self.logger.notice("The audit log was opened again")
        } catch {
            self.logger.error(
                "The audit log cannot be opened again: it goes on where it is",
                metadata: [LogKey.error: "\(error.reason)"])
        }
    }

    /// Sees to it at the end that what requests have left is written: it has to start before the listeners.
    package func run() async throws {
        // Cancelled or asked to stop: the listeners have stopped.
        try? await gracefulShutdown()
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                self.writer.flush(within: Self.flushLimit)
                continuation.resume()
            }
        }
    }
}
