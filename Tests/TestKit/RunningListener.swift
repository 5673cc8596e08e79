package import HTTPServer
import Logging
package import ServiceLifecycle

/// Runs an HTTP listener around `body`, and stops it at the end, also when the body throws.
///
/// - Parameters:
///   - make: Makes a listener on port 0 that says by the closure which one it got.
///   - body: Given the port, and the group that stops the listener.
package func withHTTPListener(
    _ make: (_ onListening: @escaping @Sendable (Int) -> Void) throws -> HTTPListener,
    _ body: (_ port: Int, _ group: ServiceGroup) async throws -> Void
) async throws {
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let listener = try make { listening.yield($0) }
    let group = ServiceGroup(services: [listener], logger: quietLogger())
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        var iterator = ports.makeAsyncIterator()
        let port = await iterator.next() ?? 0
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(port, group))
        } catch {
            outcome = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        try outcome.get()
    }
}
