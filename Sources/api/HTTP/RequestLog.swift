import Cryptography
import Domain
package import Logging
package import NIOCore
import Runtime
import Synchronization

/// Lines about requests that were answered, as many as the operator asks for.
///
/// What a caller has written of a path is not in them: they name the route or the action, and the request by the id in its answer.
package final class RequestLog: Sendable {
    package enum Choice: String, Sendable {
        case errors, sampled, all
    }

    /// One of as many is logged by ``Choice/sampled``.
    private static let sampled = 100

    private let choice: Choice
    private let logger: Logger
    private let count = Atomic<Int>(0)

    package init(_ choice: Choice, logger: Logger) {
        self.choice = choice
        self.logger = logger
    }

    /// - Parameters:
    ///   - call: The method and the template of the path, or the action; nil: neither was reached.
    ///   - name: Of the request in its answer, or of the session.
    ///   - project: nil where none is established.
    package func record(
        _ call: @autoclosure () -> String?, _ name: (key: String, value: String), project: String?, status: Int,
        since start: NIODeadline
    ) {
        guard self.wants(status) else { return }
        var metadata: Logger.Metadata = [
            name.key: "\(name.value)", "call": "\(call() ?? "unknown")", "status": "\(status)",
            "ms": "\((NIODeadline.now() - start).nanoseconds / 1_000_000)",
        ]
        // A caller may have written anything: nothing in it may look like another value of the line.
        if let project, (try? ProjectID(project)) != nil {
            metadata[LogKey.projectID] = "\(Percent.encode(project))"
        }
        self.logger.info("Answered", metadata: metadata)
    }

    private func wants(_ status: Int) -> Bool {
        switch self.choice {
        case .errors: status >= 400
        case .sampled:
            status >= 400 || self.count.wrappingAdd(1, ordering: .relaxed).oldValue.isMultiple(of: Self.sampled)
        case .all: true
        }
    }
}
