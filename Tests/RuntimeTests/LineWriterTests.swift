import Foundation
import Logging
import NIOConcurrencyHelpers
import Runtime
import TestKit
import Testing

/// Real pipes and devices in the place of standard error.
struct LineWriterTests {
    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (self.reading, self.writing) = (ends[0], ends[1])
        }

        /// Whole lines, until `isEnough` says so, the pipe ends, or nothing comes for long.
        func lines(until isEnough: ([Substring]) -> Bool) -> [Substring] {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while true {
                let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
                let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\n")
                if isEnough(lines) { return lines }
                var ready = pollfd(fd: self.reading, events: Int16(POLLIN), revents: 0)
                guard poll(&ready, 1, 30_000) == 1 else { return lines }
                let count = Foundation.read(self.reading, &chunk, chunk.count)
                guard count > 0 else { return lines }
                bytes += chunk[..<count]
            }
        }
    }

    @Test(arguments: [false, true])
    func `A reader that does not read delays no caller, and learns how many lines it missed`(
        isNonBlocking: Bool
    ) throws {
        let pipe = try Pipe()
        if isNonBlocking { _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK) }
        let counted = NIOLockedValueBox(0)
        let writer = LineWriter(
            pipe.writing, bytesMax: 4096, droppedLine: { "dropped \($0)" },
            onDrop: { count in counted.withLockedValue { $0 += count } })
        // Far more than the pipe and the queue hold: without a bound, or with a write by the caller, this does not end.
        let line = String(repeating: "x", count: 99)
        var total = 0
        repeat {
            for _ in 0..<1000 { writer.write(line) }
            total += 1000
        } while writer.flush(within: .milliseconds(100))
        let dropped = counted.withLockedValue { $0 }
        #expect(dropped > 0)
        let reported = { (lines: [Substring]) in
            lines.reduce(0) { $0 + ($1.hasPrefix("dropped ") ? Int($1.dropFirst(8)) ?? 0 : 0) }
        }
        // The notice of dropped lines comes before the lines that were queued behind it.
        let lines = pipe.lines { reported($0) >= dropped && $0.count { $0 == line } >= total - dropped }
        #expect(reported(lines) == dropped)
        #expect(lines.count { $0 == line } == total - dropped)
        #expect(writer.flush(within: .seconds(60)))
        writer.write("goes on")
        #expect(pipe.lines { !$0.isEmpty } == ["goes on"])
    }

    @Test
    func `A reader that has gone costs lines, and neither a signal nor the process`() throws {
        let pipe = try Pipe()
        close(pipe.reading)
        let failures = NIOLockedValueBox<[Int32]>([])
        let counted = NIOLockedValueBox(0)
        let writer = LineWriter(
            pipe.writing, onDrop: { count in counted.withLockedValue { $0 += count } },
            onFailure: { reason in failures.withLockedValue { $0.append(reason) } })
        writer.write("one")
        #expect(writer.flush(within: .seconds(60)))
        writer.write("two")
        #expect(writer.flush(within: .seconds(60)))
        #expect(failures.withLockedValue { $0 } == [EPIPE, EPIPE])
        #expect(counted.withLockedValue { $0 } == 2)
    }

    @Test
    func `Lines that were refused are reported before the next one that is not, and a torn line is ended`() async throws
    {
        try await withTemporaryFolder { folder in
            let fifo = folder.appendingPathComponent("fifo").path
            try #require(mkfifo(fifo, 0o600) == 0)
            func reader() throws -> Int32 {
                let descriptor = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                try #require(descriptor >= 0 && fcntl(descriptor, F_SETFL, 0) == 0)
                return descriptor
            }
            let first = try reader()
            let writer = LineWriter(try LogFile.open(fifo), droppedLine: { "dropped \($0)" })
            // More than the kernel takes: with its first byte read, a part of the line has been written.
            writer.write(String(repeating: "x", count: 200_000))
            var byte: UInt8 = 0
            #expect(read(first, &byte, 1) == 1)
            close(first)
            #expect(writer.flush(within: .seconds(60)))
            writer.write("lost")
            #expect(writer.flush(within: .seconds(60)))
            let second = try reader()
            writer.write("goes on")
            var text = ""
            while !text.hasSuffix("goes on\n") {
                var chunk = [UInt8](repeating: 0, count: 65_536)
                let count = read(second, &chunk, chunk.count)
                try #require(count > 0)
                text += String(decoding: chunk[..<count], as: UTF8.self)
            }
            close(second)
            #expect(text.drop { $0 == "x" } == "\ndropped 2\ngoes on\n")
        }
    }

    @Test
    func `A file that was moved away is replaced between two lines`() async throws {
        try await withTemporaryFolder { folder in
            let (file, old) = (folder.appendingPathComponent("log"), folder.appendingPathComponent("log.1"))
            let writer = LineWriter(try LogFile.open(file.path))
            writer.write("one")
            #expect(writer.flush(within: .seconds(60)))
            try FileManager.default.moveItem(at: file, to: old)
            // The first is not needed any more when the second comes.
            writer.replaceDescriptor(with: try LogFile.open(file.path))
            writer.replaceDescriptor(with: try LogFile.open(file.path))
            writer.write("two")
            #expect(writer.flush(within: .seconds(60)))
            #expect(try String(contentsOf: old, encoding: .utf8) == "one\n")
            #expect(try String(contentsOf: file, encoding: .utf8) == "two\n")
            let permissions = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
            #expect(permissions == 0o600)
        }
    }

    @Test
    func `A file that cannot be opened says why, and a FIFO without a reader is waited for by none`() async throws {
        try await withTemporaryFolder { folder in
            let fifo = folder.appendingPathComponent("fifo")
            try #require(mkfifo(fifo.path, 0o600) == 0)
            for (path, reason) in [
                (folder.path, "Is a directory"), (folder.path + "/none/log", "No such file or directory"),
                (fifo.path, "No such device or address"),
            ] {
                let unusable = #expect(throws: LogFile.Unusable.self) { _ = try LogFile.open(path) }
                #expect(unusable?.reason == reason, "\(path)")
            }
        }
    }

    @Test
    func `A full device is an error with its reason`() throws {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        let failures = NIOLockedValueBox<[Int32]>([])
        let writer = LineWriter(full, onFailure: { reason in failures.withLockedValue { $0.append(reason) } })
        writer.write("one")
        #expect(writer.flush(within: .seconds(60)))
        #expect(failures.withLockedValue { $0 } == [ENOSPC])
    }
}

struct LogLineTests {
    private func text(
        _ metadata: [String: String], as format: LogFormat = .text, standingFor count: Int = 1
    ) -> String {
        LogLine(
            label: "herald-api", level: .warning, message: "It failed",
            metadata: metadata.mapValues { .string($0) }, module: "API", time: 1_764_504_000_007
        ).written(as: format, standingFor: count)
    }

    private func members(_ line: String) throws -> [String: String] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    }

    @Test
    func `An event is one object of JSON with the same`() throws {
        let hostile = "é\"\n} \u{1B}[2J"
        let line = self.text(["b": "2", "error": hostile], as: .json, standingFor: 3)
        #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        var members = try self.members(line)
        let time = members.removeValue(forKey: "time") ?? ""
        #expect(time.contains(".007") && time.wholeMatch(of: #/[-0-9]{10}T[:0-9]{8}\.007(Z|[+-]\d\d:\d\d)/#) != nil)
        #expect(
            members == [
                "level": "warning", "process": "herald-api", "module": "API", "message": "It failed", "b": "2",
                "error": hostile, "log.repeated": "3",
            ])
    }

    @Test
    func `An object has a greatest length, and is one`() throws {
        let long = String(repeating: "é\u{1}", count: 100_000)
        let line = self.text(Dictionary(uniqueKeysWithValues: (0..<20).map { ("k\($0)", long) }), as: .json)
        #expect(line.utf8.count <= LogLine.bytesMax)
        #expect(try self.members(line)["message"] == "It failed")
    }

    @Test
    func `An event is one line, with its values in order and how many it stands for`() {
        #expect(
            self.text(["b": "2", "a": "1"], standingFor: 3).hasSuffix(
                " warning herald-api: a=1 b=2 log.repeated=3 [API] It failed"))
    }

    @Test
    func `A value from outside begins no line of its own and is no escape sequence`() {
        let text = self.text(["error": "é\n2026 critical herald-api: forged\u{1B}[2J"])
        #expect(text.contains(#"error=é\n2026 critical herald-api: forged\u{1b}[2J"#))
        #expect(!text.contains("\n"))
    }

    @Test
    func `A line has a greatest length`() {
        #expect(self.text(["error": String(repeating: "é", count: 1_000_000)]).utf8.count <= LogLine.bytesMax + 8)
    }
}

/// The limit as one value, since a mutating call cannot stand in an expectation.
private final class Limit {
    private var limit = RepetitionLimit<String>(period: .seconds(5))
    private let start = ContinuousClock.now

    func admits(_ line: String, line number: UInt = 1, part: String = "", at second: Double = 0) -> Bool {
        self.limit.admits(
            line, from: .init(file: "a", line: number, part: part), at: self.start + .seconds(second))
    }

    func take(dueAt second: Double) -> [String] {
        self.limit.take(dueAt: self.start + .seconds(second)).map { "\($0.line) x\($0.count)" }
    }

    func takeAll() -> [String] { self.limit.takeAll().map { "\($0.line) x\($0.count)" } }

    var nextEnd: Duration? { self.limit.nextEnd.map { $0 - self.start } }
}

struct RepetitionLimitTests {
    @Test
    func `The first line is written at once, then one in each period with the number it stands for`() {
        let limit = Limit()
        #expect(limit.admits("0"))
        #expect((1...1999).count { limit.admits("\($0)") } == 0)
        #expect(limit.nextEnd == .seconds(5))
        #expect(limit.take(dueAt: 4.999).isEmpty)
        #expect(limit.take(dueAt: 5) == ["1999 x1999"])
        // The line just written begins a period of its own.
        #expect(!limit.admits("2000", at: 6))
        #expect(limit.take(dueAt: 10) == ["2000 x1"])
        #expect(limit.take(dueAt: 15).isEmpty)
        #expect(limit.nextEnd == nil)
        #expect(limit.admits("2001", at: 15))
    }

    @Test
    func `Places in the code and what the operator bounds do not hide each other`() {
        let limit = Limit()
        #expect(limit.admits("a"))
        #expect(limit.admits("b", line: 2))
        #expect(limit.admits("c", part: "3"))
        #expect(!limit.admits("d", part: "3"))
        #expect(limit.takeAll() == ["d x1"])
        #expect(limit.takeAll().isEmpty)
    }

    @Test
    func `The table of sources is bounded`() {
        let limit = Limit()
        let parts = RepetitionLimit<String>.sourcesMax * 2
        let written = (0..<parts).count { limit.admits("\($0)", part: "\($0)") }
        // Those beyond the bound share one source.
        #expect(written == RepetitionLimit<String>.sourcesMax + 1)
        #expect(limit.takeAll() == ["\(parts - 1) x\(parts - written)"])
    }
}
