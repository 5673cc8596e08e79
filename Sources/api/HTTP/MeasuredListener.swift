import HTTPServer
import Metrics
import Runtime

/// A listener of the API whose connections are shown beside their bound.
struct MeasuredListener {
    private static let interval = Duration.seconds(1)

    private let listener: HTTPListener
    private let connections: Meter
    private let connectionsMax: Meter

    /// - Parameters:
    ///   - name: `rest` or `websocket`.
    ///   - limits: Of the listener.
    init(_ listener: HTTPListener, as name: String, _ limits: HTTPLimits) {
        self.listener = listener
        self.connections = Metric.apiConnections.gauge(name)
        self.connectionsMax = Metric.apiConnectionsMax.gauge(name)
        self.connectionsMax.set(limits.connectionsMax)
    }

    /// - Throws: What the listener throws.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    self.connections.set(self.listener.connections)
                    // Cancelled while sleeping: the loop's condition sees it.
                    try? await Task.sleep(for: Self.interval)
                }
            }
            try await self.listener.run()
            group.cancelAll()
        }
    }
}
