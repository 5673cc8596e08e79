import CLI
import Foundation
import NIOConcurrencyHelpers
import TestKit
import Testing

struct ChildTests {
    private let shell = URL(fileURLWithPath: "/bin/sh")

    @Test
    func `Its lines and its end are heard`() async throws {
        let lines = NIOLockedValueBox<[String]>([])
        let child = try Child(
            "sh", executable: self.shell, arguments: ["-c", "echo one; echo two >&2; printf three; exit 7"],
            environment: [:], onLine: { line in lines.withLockedValue { $0.append(line) } })
        #expect(await child.waitForExit() == .status(7))
        // The pipe may be emptied after the end.
        let all = try await eventually { lines.withLockedValue { $0.count == 3 ? $0 : nil } }
        #expect(all == ["one", "two", "three"])
    }

    @Test
    func `It is asked to end, and ended when it does not`() async throws {
        let polite = try Child(
            "sleep", executable: URL(fileURLWithPath: "/bin/sleep"), arguments: ["60"], environment: [:],
            onLine: { _ in })
        #expect(await polite.stop(within: .seconds(30)) == .signal(SIGTERM))

        let (heard, report) = AsyncStream.makeStream(of: String.self)
        let deaf = try Child(
            "sh", executable: self.shell, arguments: ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"],
            environment: ["PATH": "/bin:/usr/bin"], onLine: { report.yield($0) })
        var iterator = heard.makeAsyncIterator()
        _ = await iterator.next()
        #expect(await deaf.stop(within: .milliseconds(50)) == .signal(SIGKILL))
    }

    @Test
    func `It does not hear the Ctrl-C of our terminal`() async throws {
        let child = try Child(
            "sleep", executable: URL(fileURLWithPath: "/bin/sleep"), arguments: ["60"], environment: [:],
            onLine: { _ in })
        // A terminal signals the process group in front: a group of its own is what keeps the child out of it.
        #expect(getpgid(child.id) != getpgid(0))
        await child.stop(within: .seconds(30))
    }

    @Test
    func `What cannot be started is an error with its reason`() {
        #expect {
            try Child(
                "none", executable: URL(fileURLWithPath: "/none"), arguments: [], environment: [:], onLine: { _ in })
        } throws: { error in
            "\(error)" == "/none cannot be started: No such file or directory"
        }
    }

    @Test
    func `It has no descriptor of ours but the one it is to keep, no signal blocked and none ignored`() async throws {
        let kept = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let other = open("/dev/null", O_RDONLY)
        defer { for descriptor in [kept, other] { close(descriptor) } }
        let lines = NIOLockedValueBox<[String]>([])
        let child = try Child(
            "sh", executable: self.shell,
            arguments: ["-c", "ls /proc/$$/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status"],
            environment: ["PATH": "/bin:/usr/bin"], keeping: kept,
            onLine: { line in lines.withLockedValue { $0.append(line) } })
        await child.waitForExit()
        let all = try await eventually { lines.withLockedValue { $0.count == 6 ? $0 : nil } }
        #expect(all?.prefix(4) == ["0", "1", "2", "3"])
        // The signals below 32; those above are the C library's own.
        #expect(all?.dropFirst(4).allSatisfy { UInt64($0.suffix(16), radix: 16).map { $0 & 0x7FFF_FFFF } == 0 } == true)
    }
}

struct LineSplitterTests {
    @Test
    func `Bytes become lines however they are cut`() {
        var splitter = LineSplitter()
        #expect(splitter.take(Data("on".utf8)) == [])
        #expect(splitter.take(Data("e\n\ntw".utf8)) == ["one", ""])
        #expect(splitter.take(Data("o\n".utf8)) == ["two"])
        #expect(splitter.finish() == [])
        #expect(splitter.take(Data("rest".utf8)) == [])
        #expect(splitter.finish() == ["rest"])
    }

    @Test
    func `A line without an end is cut`() {
        var splitter = LineSplitter()
        let lines = splitter.take(Data(repeating: 0x61, count: LineSplitter.lineBytesMax + 1))
        #expect(lines.map(\.utf8.count) == [LineSplitter.lineBytesMax + 1])
        #expect(splitter.finish() == [])
    }
}

struct TerminalTests {
    @Test(arguments: [
        (["TERM": "xterm"], true, true), ([:], true, true), (["TERM": "xterm"], false, false),
        (["NO_COLOR": "1"], true, false), (["NO_COLOR": ""], true, true), (["TERM": "dumb"], true, false),
    ])
    func `Colours are for terminals that want them`(environment: [String: String], isTerminal: Bool, wanted: Bool) {
        #expect(Terminal.wantsColour(environment: environment, isTerminal: isTerminal) == wanted)
    }

    @Test
    func `Without colours a style changes nothing`() {
        #expect(Terminal(isColoured: false, write: { _ in }).styled("x", .red) == "x")
        #expect(Terminal(isColoured: true, write: { _ in }).styled("x", .red) == "\u{1B}[31mx\u{1B}[0m")
    }
}
