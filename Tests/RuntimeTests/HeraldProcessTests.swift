import ArgumentParser
import Foundation
import Logging
import Runtime
import ServiceLifecycle
import Settings
import TestKit
import Testing

/// Whole processes: each exit test is one, with the status and the lines an operator would see.
struct HeraldProcessTests {
    private static let environment = [
        "HERALD_MASTER_KEY": "k", "HERALD_API_ADMIN_LISTEN": "127.0.0.1:0", "HERALD_API_DRAIN": "1",
        "HERALD_LOG_LEVEL": "notice",
    ]

    /// Runs the API's frame around services, and ends the process with its status.
    private static func run(
        _ settings: [String: String] = [:], services: @escaping (HeraldProcess.Context) -> [any Service]
    ) async {
        do throws(ExitCode) {
            try await HeraldProcess.run(
                .api, flags: [:], environment: self.environment.merging(settings) { _, new in new }, readyWith: [],
                services: services)
        } catch {
            exit(error.rawValue)
        }
        exit(0)
    }

    @Test
    func `A setting that is wrong ends the process with status 78 and one line`() async throws {
        let result = try await #require(
            processExitsWith: .exitCode(78), observing: [\.standardErrorContent]
        ) {
            await HeraldProcessTests.run(["HERALD_SHARDS": "0"]) { _ in [] }
        }
        #expect(
            String(decoding: result.standardErrorContent, as: UTF8.self).hasPrefix(
                "herald-api: shards: the value '0' from the environment variable HERALD_SHARDS is not allowed; "
                    + "allowed: a whole number, 1 to 256\n"))
    }

    @Test
    func `What only the work can find wrong in the settings ends with 78 too`() async throws {
        await #expect(processExitsWith: .exitCode(78)) {
            await HeraldProcessTests.run { context in
                [
                    Opening("the store", drain: context.drain, logger: context.logger) { () async throws -> Int in
                        throw SettingError.unusable(
                            Setting.shards, value: "16", reason: "is not what this Redis was made with: 8")
                    } services: { _ in
                        []
                    }
                ]
            }
        }
    }

    @Test
    func `An admin address in use ends with 78 and a line that names address and setting`() async throws {
        let result = try await #require(
            processExitsWith: .exitCode(78), observing: [\.standardErrorContent]
        ) {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    _ = bind(listener, pointer, length)
                    _ = listen(listener, 1)
                    _ = getsockname(listener, pointer, &length)
                }
            }
            let port = UInt16(bigEndian: address.sin_port)
            await HeraldProcessTests.run(["HERALD_API_ADMIN_LISTEN": "127.0.0.1:\(port)"]) { _ in [Waiting()] }
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("herald-api: ") }
        #expect(line?.hasPrefix("herald-api: api.admin.listen: '127.0.0.1:") == true, "\(text)")
        #expect(line?.hasSuffix("cannot be listened on: Address already in use") == true, "\(text)")
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `A signal stops the services, and the process ends well`(number: Int32) async throws {
        let result = try await #require(
            processExitsWith: .success, observing: [\.standardErrorContent]
        ) { [number] in
            await HeraldProcessTests.run { _ in [Signalling(number: number)] }
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("Stopping"))
        #expect(text.contains("the work is done"))
        #expect(text.contains("Stopped"))
    }

    @Test
    func `What does not stop when the drain is over is cancelled`() async throws {
        let result = try await #require(
            processExitsWith: .success, observing: [\.standardErrorContent]
        ) {
            await HeraldProcessTests.run { _ in [Signalling(number: SIGTERM, hearsStop: false)] }
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("the work was cancelled"))
        #expect(text.contains("The drain time is over"))
    }

    @Test
    func `What does not hear cancellation either does not keep the process`() async throws {
        let result = try await #require(
            processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
        ) {
            await HeraldProcessTests.run { _ in [Signalling(number: SIGTERM, hearsStop: false, hearsCancel: false)] }
        }
        #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("took too long, ending now"))
    }
}

extension HeraldProcessTests {
    @Test
    func `A log that is not read, and a thread pool that is stuck, do not keep the process`() async throws {
        await #expect(processExitsWith: .exitCode(1)) {
            // Standard error becomes a pipe whose other end stays open and is not read.
            var ends: [Int32] = [-1, -1]
            pipe(&ends)
            dup2(ends[1], STDERR_FILENO)
            await HeraldProcessTests.run { context in [Stuck(context: context)] }
        }
    }

    @Test
    func `A warning that repeats is written once, and once more with its count`() async throws {
        let result = try await #require(
            processExitsWith: .success, observing: [\.standardErrorContent]
        ) {
            await HeraldProcessTests.run { context in [Repeating(context: context)] }
        }
        let lines = String(decoding: result.standardErrorContent, as: UTF8.self)
            .split(separator: "\n").filter { $0.contains("The store failed") }
        #expect(lines.count == 2)
        #expect(lines.last?.contains("log.repeated=1999 number=1999") == true, "\(lines)")
    }
}

/// Fills the log and every thread of the concurrency pool, and asks its own process to stop.
private struct Stuck: Service {
    let context: HeraldProcess.Context

    func run() async throws {
        for number in 0..<10_000 { self.context.logger.notice("It fills the pipe", metadata: ["number": "\(number)"]) }
        Thread.detachNewThread {
            while true {
                usleep(100_000)
                kill(getpid(), SIGTERM)
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<256 { group.addTask { while true { sleep(1) } } }
        }
    }
}

/// Warns again and again, and ends.
private struct Repeating: Service {
    let context: HeraldProcess.Context

    func run() async throws {
        for number in 0..<2000 {
            self.context.logger.warning("The store failed", metadata: ["number": "\(number)"])
        }
        kill(getpid(), SIGTERM)
        try await gracefulShutdown()
    }
}

/// Waits for the stop.
private struct Waiting: Service {
    func run() async throws { try await gracefulShutdown() }
}

/// Sends its own process a signal, and stops in the way of the case.
private struct Signalling: Service {
    let number: Int32
    var hearsStop = true
    var hearsCancel = true

    func run() async throws {
        // Sent again and again: there is no sign of when the process began to listen for it.
        let number = self.number
        let sender = Task.detached {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(100))
                kill(getpid(), number)
            }
        }
        defer { sender.cancel() }
        if self.hearsStop {
            try await gracefulShutdown()
            self.say("the work is done")
        } else if self.hearsCancel {
            // Cancellation is what ends this sleep.
            try? await Task.sleep(for: .seconds(60))
            self.say("the work was cancelled")
        } else {
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
    }

    private func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
