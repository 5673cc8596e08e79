import Foundation
package import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
package import Settings

/// A file that is there while the process serves, for the program that started it: scripts, tests, `herald dev`.
///
/// It holds one JSON object: `{"pid": 4711, "listen": "127.0.0.1:8888", "websocket": "127.0.0.1:9000", "admin": "127.0.0.1:8889"}`;
/// `listen` and `websocket` are not there for a process without public addresses. What takes TLS has its scheme before it,
/// `https://127.0.0.1:8888`, `wss://127.0.0.1:9000`. It appears by a rename, whole, once every expected part has reported, and is removed
/// at a graceful stop. After a crash it stays, so a reader also looks whether the process lives.
package final class ReadyFile: Service {
    /// What has to stand before the process serves.
    package enum Part: String, Sendable, CaseIterable {
        case listen
        case websocket
        case admin
        /// Work that has no address: a notifier that takes deliveries.
        case work
    }

    /// What the file says.
    package struct Content: Codable, Sendable, Equatable {
        package var pid: Int32
        package var listen: String?
        package var websocket: String?
        package var admin: String?

        package init(pid: Int32, listen: String?, websocket: String? = nil, admin: String?) {
            self.pid = pid
            self.listen = listen
            self.websocket = websocket
            self.admin = admin
        }

        /// Reads a ready file; nil while there is none.
        package static func read(path: String) -> Content? {
            // Absent or not ours is the same to a reader that waits: not ready.
            guard let data = FileManager.default.contents(atPath: path) else { return nil }
            return try? JSONDecoder().decode(Content.self, from: data)
        }
    }

    private struct State: Sendable {
        var missing: Set<Part>
        var content: Content
        var isWritten = false
        var isStopped = false
    }

    private let path: String?
    private let logger: Logger
    private let state: NIOLockedValueBox<State>

    /// - Parameter path: Nil: nothing is written, reports are welcome all the same.
    package init(path: String?, expecting parts: Set<Part>, logger: Logger) {
        self.path = path
        self.logger = logger
        self.state = NIOLockedValueBox(
            State(
                missing: parts,
                content: Content(pid: ProcessInfo.processInfo.processIdentifier, listen: nil, admin: nil)))
    }

    /// What was reported so far.
    package var reported: Content { self.state.withLockedValue { $0.content } }

    /// Says that one part stands, and where it listens if it does.
    ///
    /// - Parameter isEncrypted: Whether it takes TLS, and nothing else.
    package func report(_ part: Part, at address: ListenAddress? = nil, isEncrypted: Bool = false) {
        let scheme = isEncrypted ? (part == .websocket ? "wss://" : "https://") : ""
        let address = address.map { scheme + $0.description }
        self.state.withLockedValue { state in
            switch part {
            case .listen: state.content.listen = address
            case .websocket: state.content.websocket = address
            case .admin: state.content.admin = address
            case .work: break
            }
            state.missing.remove(part)
            guard state.missing.isEmpty, !state.isStopped else { return }
            state.isWritten = true
            self.logger.notice(
                "Serving",
                metadata: [
                    LogKey.listen: "\(state.content.listen ?? "-")",
                    LogKey.websocket: "\(state.content.websocket ?? "-")",
                    LogKey.admin: "\(state.content.admin ?? "-")",
                ])
            // Written under the lock: a stop that comes now must find the file, or none will be written.
            self.write(state.content)
        }
    }

    package func run() async throws {
        // Cancelled or asked to stop: both end the waiting, and the file goes either way.
        try? await gracefulShutdown()
        self.state.withLockedValue { state in
            state.isStopped = true
            guard state.isWritten, let path = self.path else { return }
            // Another process may have removed it, which is as good.
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    private func write(_ content: Content) {
        guard let path = self.path else { return }
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(content).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            self.logger.error("The ready file cannot be written", metadata: [LogKey.error: "\(error)"])
        }
    }
}
