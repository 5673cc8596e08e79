import Foundation
import Logging
import Runtime
import Testing

/// The log of a process, from a `Logger` to the lines a reader gets.
struct ProcessLogTests {
    /// A log into a pipe, and the lines that are in it.
    private struct Log {
        let log: ProcessLog
        let logger: Logger
        private let pipe = Pipe()
        private let writer: LineWriter

        init() {
            let writer = LineWriter(self.pipe.fileHandleForWriting.fileDescriptor)
            // Longer than any test: what is held back stays so until it is asked for.
            let log = ProcessLog(writer: writer, period: .seconds(3600))
            (self.writer, self.log) = (writer, log)
            self.logger = Logger(label: "herald") { label in
                ProcessLogHandler(label: label, log: log, logLevel: .info)
            }
        }

        /// Those since the last look.
        func lines() -> [String] {
            // Only a pipe that holds something can be read without waiting.
            self.logger.info("end")
            #expect(self.writer.flush(within: .seconds(30)))
            let text = String(decoding: self.pipe.fileHandleForReading.availableData, as: UTF8.self)
            return text.split(separator: "\n").map { String($0) }.filter { !$0.hasSuffix(" end") }
        }
    }

    @Test func `Troubles of the store, and pools, do not hide each other; shards do not multiply a line`() {
        let log = Log()
        func warn(_ trouble: String, shard: Int, pool: String = "a") {
            log.logger.warning(
                "It failed",
                metadata: [
                    LogKey.storeTrouble: "\(trouble)", LogKey.shard: "\(shard)", LogKey.pool: "\(pool)",
                    LogKey.requestID: "\(shard)",
                ])
        }
        for shard in 0..<3 {
            for trouble in ["contended", "full", "unreachable"] { warn(trouble, shard: shard) }
        }
        warn("full", shard: 3, pool: "b")
        let first = log.lines()
        #expect(first.count == 4, "\(first)")
        for words in ["pool=a", "pool=b"].map({ $0 + " request.id=" }) {
            #expect(first.contains { $0.contains(words) })
        }
        for trouble in ["contended", "full", "unreachable"] {
            #expect(first.contains { $0.contains("pool=a") && $0.contains("store.trouble=\(trouble)") }, "\(first)")
        }
        log.log.finish()
        let held = log.lines()
        #expect(
            held.count == 3 && held.allSatisfy { $0.contains("log.repeated=2") && $0.contains("shard=2") }, "\(held)")
    }

    @Test func `Lines below a warning are written each`() {
        let log = Log()
        for number in 0..<3 { log.logger.notice("\(number)") }
        #expect(log.lines().count == 3)
    }
}
