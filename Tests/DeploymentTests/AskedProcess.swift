import Foundation
import Runtime
import Settings
import TestKit
import Testing

/// A process that may not be ready, and is asked over its admin address whether it is.
final class AskedProcess: Sendable {
    private struct Ended: Error { let description: String }

    private let process: ChildProcess
    private let readyFile: String
    private let logFile: URL
    private let admin: String

    /// - Parameters:
    ///   - redis: What the process prints lies in its folder.
    ///   - url: How the process reaches Redis; nil: directly.
    init(
        _ kind: ProcessKind, key: String, redis: RedisServer, at url: String? = nil, _ more: [Setting: String] = [:]
    ) async throws {
        let name = "\(kind.rawValue)-\(UUID().uuidString.prefix(4))"
        self.readyFile = redis.folder.appendingPathComponent("\(name).json").path
        self.logFile = redis.folder.appendingPathComponent("\(name).log")
        self.admin = "127.0.0.1:\(try await freeLoopbackPort())"
        var settings = more
        settings[Setting.redisURL] = url ?? redis.url
        settings[Setting.masterKey] = key
        settings[Setting.readyFile] = self.readyFile
        settings[kind == .api ? Setting.apiAdminListen : Setting.notifierAdminListen] = self.admin
        settings[kind == .api ? Setting.apiListen : Setting.egressAllow] =
            kind == .api ? "127.0.0.1:0" : Deployment.egressAllow
        if kind == .api { settings[Setting.apiWebSocketListen] = "127.0.0.1:0" }
        var environment: [String: String] = [:]
        for (setting, value) in settings { environment[setting.environment] = value }
        self.process = try ChildProcess(
            Deployment.executable(kind.rawValue), arguments: [], environment: environment, log: self.logFile)
    }

    var ready: ReadyFile.Content? { ReadyFile.Content.read(path: self.readyFile) }

    var log: String {
        // Only ever read to see what a process printed; none is an empty text.
        (try? String(contentsOf: self.logFile, encoding: .utf8)) ?? ""
    }

    func isReady() async throws {
        let isReady: Bool? = try await eventually {
            let answer = try await self.readyz()
            return answer?.status == 200 && self.ready != nil ? true : nil
        }
        #expect(isReady == true, "\(self.log)")
    }

    func isNotReady(naming text: String) async throws {
        let words: String? = try await eventually {
            guard let answer = try await self.readyz(), answer.status == 503 else { return nil }
            let words = String(decoding: answer.body, as: UTF8.self)
            return words.contains(text) ? words : nil
        }
        #expect(words != nil, "\(self.log)")
    }

    func stop() async { await self.process.stop() }

    /// Nil while nothing listens there.
    private func readyz() async throws -> HTTPReply? {
        if let exit = self.process.exit { throw Ended(description: "\(exit)\n\(self.log)") }
        return try? await HTTPCaller(self.admin).send("GET", "/readyz")
    }
}
