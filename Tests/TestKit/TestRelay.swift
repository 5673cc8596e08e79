package import Foundation

/// A relay of mail on loopback that fails where a test asks for it: `Scripts/relay.py`, on aiosmtpd.
package struct TestRelay: Sendable {
    /// One mail it accepted, whether or not its sender learned of it.
    package struct Accepted: Decodable, Sendable {
        package let from: String
        package let to: [String]
        package let session: Int
        package let tls: Bool
        package let user: String?
        package let data: Data

        package var text: String { String(decoding: self.data, as: UTF8.self) }
    }

    /// Where it fails, and how; `relay.py` lists what there is.
    package struct Rule: Encodable, Sendable {
        let at: String
        let `do`: String
        var match: String?
        var times: Int?
        var seconds: Double?
        var after: Int?

        package init(
            _ at: String, _ action: String, match: String? = nil, times: Int? = nil, seconds: Double? = nil,
            after: Int? = nil
        ) {
            self.at = at
            self.do = action
            self.match = match
            self.times = times
            self.seconds = seconds
            self.after = after
        }
    }

    private struct Rules: Encodable {
        let rules: [Rule]
        let auth: [String]?
        let pipelining: Bool
    }

    private struct Step: Decodable {
        let step: String
        let session: Int
        let text: String
    }

    package let folder: URL
    package let port: Int

    package var url: String { "smtp://127.0.0.1:\(self.port)" }

    /// Replaces its rules, and what its clients have to authenticate with.
    ///
    /// - Parameter pipelining: Whether clients may send commands without waiting for replies (RFC 2920).
    package func set(_ rules: [Rule] = [], login: [String]? = nil, pipelining: Bool = false) throws {
        try JSONEncoder().encode(Rules(rules: rules, auth: login, pipelining: pipelining))
            .write(to: self.folder.appendingPathComponent("rules.json"), options: .atomic)
    }

    package func accepted() throws -> [Accepted] { try self.lines("mails.jsonl") }

    /// How often its clients came to a step.
    package func count(_ step: String) throws -> Int {
        let steps: [Step] = try self.lines("steps.jsonl")
        return steps.count { $0.step == step }
    }

    /// What its clients said at a step.
    package func texts(at step: String) throws -> [String] {
        let steps: [Step] = try self.lines("steps.jsonl")
        return steps.filter { $0.step == step }.map(\.text)
    }

    /// Waits until it has accepted as many mails.
    package func accepted(waitingFor count: Int, within limit: Duration = .seconds(30)) async throws -> [Accepted] {
        try await eventually(within: limit) {
            let mails = try self.accepted()
            return mails.count >= count ? mails : nil
        } ?? self.accepted()
    }

    private func lines<Value: Decodable>(_ name: String) throws -> [Value] {
        let file = self.folder.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        // The last line may be written just now.
        return try Data(contentsOf: file).split(separator: 0x0A).compactMap {
            try? JSONDecoder().decode(Value.self, from: Data($0))
        }
    }

    /// The certificate it offers STARTTLS with; it is its own authority.
    package enum Certificate: Sendable, CaseIterable {
        /// For `localhost` and 127.0.0.1.
        case valid
        case otherName, expired

        fileprivate var arguments: [String] {
            switch self {
            case .valid: ["localhost", "2"]
            case .otherName: ["other.test", "2"]
            case .expired: ["localhost", "-2"]
            }
        }
    }

    /// The file of its certificate.
    package var certificate: String { self.folder.appendingPathComponent("cert.pem").path }

    /// Runs `body` with a relay that is gone afterwards.
    ///
    /// - Parameter certificate: It offers STARTTLS with this one; nil: it does not.
    package static func with<Result>(
        certificate: Certificate? = nil, port: Int? = nil, in folder: URL? = nil,
        _ body: (TestRelay) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { own in
            let folder = folder ?? own
            if let certificate { try await self.make(certificate, in: folder) }
            let portFile = folder.appendingPathComponent("port")
            try? FileManager.default.removeItem(at: portFile)  // Of a relay that ran there before, if one did.
            let process = try Python.start(
                [Python.script("relay.py"), folder.path] + (port.map { ["\($0)"] } ?? []), in: own)
            let found = try await eventually {
                (try? String(contentsOf: portFile, encoding: .utf8)).flatMap { Int($0) }
            }
            guard let found else {
                await process.stop()
                throw Python.Missing(description: "The relay of mail does not start.")
            }
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body(TestRelay(folder: folder, port: found))) } catch {
                outcome = .failure(error)
            }
            await process.stop(within: .seconds(2))
            return try outcome.get()
        }
    }

    static func make(_ certificate: Certificate, in folder: URL) async throws {
        let run = try await Python.run { _ in [Python.script("certificate.py"), folder.path] + certificate.arguments }
        guard run.exit == .status(0) else { throw Python.Missing(description: "No certificate: \(run.output)") }
    }
}
