import API
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Testing

/// Which answered requests are logged.
struct RequestLogTests {
    private struct Lines: LogHandler {
        let lines: NIOLockedValueBox<[Logger.Metadata]>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) { self.lines.withLockedValue { $0.append(event.metadata ?? [:]) } }
    }

    private static func logged(
        _ choice: RequestLog.Choice, _ statuses: [Int], of project: String = "p"
    ) -> [Logger.Metadata] {
        let lines = NIOLockedValueBox<[Logger.Metadata]>([])
        let log = RequestLog(choice, logger: Logger(label: "api") { _ in Lines(lines: lines) })
        for (number, status) in statuses.enumerated() {
            log.record("GET /v2/queues", ("request.id", "\(number)"), project: project, status: status, since: .now())
        }
        return lines.withLockedValue { $0 }
    }

    @Test func `All, those that failed, or these and each hundredth`() {
        let statuses = [404, 503] + Array(repeating: 200, count: 250)
        #expect(Self.logged(.all, statuses).count == 252)
        #expect(Self.logged(.errors, statuses).map { "\($0["status"] ?? "")" } == ["404", "503"])
        #expect(Self.logged(.sampled, statuses).map { "\($0["request.id"] ?? "")" } == ["0", "1", "2", "102", "202"])
        let line = Self.logged(.all, [204])[0]
        #expect(Self.logged(.all, [200], of: "a request.id=b")[0]["project.id"] == "a%20request.id%3Db")
        #expect(Self.logged(.all, [200], of: String(repeating: "p", count: 5_000))[0]["project.id"] == nil)
        #expect(line["call"] == "GET /v2/queues" && line["project.id"] == "p" && line["ms"] == "0")
    }
}
