import Cryptography
package import Foundation
import NIOConcurrencyHelpers

/// A real Keystone on loopback, by `Scripts/identity.py`, with projects, users and roles that tests need.
///
/// | user | roles |
/// |---|---|
/// | `herald`, `nova` | service on `service` |
/// | `reader` | reader on `alpha` |
/// | `member` | member on `alpha` and `beta`, reader on the domain |
/// | `boss` | admin on `alpha`, and on the system |
/// | `other` | member on `beta` |
/// | `trustee` | admin on `service` |
/// | `admin` | admin on `admin` |
package final class KeystoneServer: Sendable {
    package static let password = "secret"

    /// What a token is for.
    package enum Scope: Sendable {
        case project(String)
        case domain, system, none
    }

    /// What happens to requests for tokens instead of an answer.
    package enum Fault: Sendable {
        case status(Int)
        /// So many end with their connection.
        case close(Int)
        /// They wait.
        case hold
    }

    /// One request it has answered.
    package struct Request: Decodable, Sendable {
        package let method: String
        package let path: String
        package let query: String
        /// 0 for a connection that ended instead.
        package let status: Int
        /// SHA-256 of the token that was asked about, in hexadecimal digits.
        package let subject: String?

        package var isValidation: Bool { self.method == "GET" && self.path == "/v3/auth/tokens" }
        package var isLogin: Bool { self.method == "POST" && self.path == "/v3/auth/tokens" }
    }

    package struct Failed: Error, CustomStringConvertible {
        package let description: String
    }

    private struct Ready: Decodable { let port: Int, tls: [String: Int] }

    struct Fixture: Decodable { let projects, users: [String: String] }

    package let folder: URL
    let fixture: Fixture
    /// It keeps its port when it starts again, but not those of TLS.
    private let ready: NIOLockedValueBox<Ready>
    private let process: NIOLockedValueBox<ChildProcess>

    var port: Int { self.ready.withLockedValue { $0.port } }
    package var url: String { "http://127.0.0.1:\(self.port)" }
    /// Where it speaks TLS with a certificate, and the file of that; it is its own authority.
    package func secure(_ certificate: TestRelay.Certificate) -> (url: String, authorities: String) {
        let name = Self.folderName(of: certificate)
        let file = self.folder.appendingPathComponent("\(name)/cert.pem")
        return ("https://127.0.0.1:\(self.ready.withLockedValue { $0.tls[name] } ?? 0)", file.path)
    }

    private static func folderName(of certificate: TestRelay.Certificate) -> String { "tls-\(certificate)" }

    private init(folder: URL, process: ChildProcess, ready: Ready, fixture: Fixture) {
        self.folder = folder
        self.process = NIOLockedValueBox(process)
        self.ready = NIOLockedValueBox(ready)
        self.fixture = fixture
    }

    // MARK: - Life

    /// Those that several tests use: they end with the test process.
    private actor Shared {
        static let servers = Shared()
        private var tasks: [String: Task<KeystoneServer, any Error>] = [:]

        func server(_ name: String) -> Task<KeystoneServer, any Error> {
            let task = self.tasks[name] ?? Task { try await KeystoneServer.start() }
            self.tasks[name] = task
            return task
        }
    }

    /// One that all tests use that leave it as it is.
    package static func shared() async throws -> KeystoneServer { try await Shared.servers.server("shared").value }

    /// One whose tests, one after the other, do with it what they like, and leave it as it was.
    package static func shared(by suite: Any.Type) async throws -> KeystoneServer {
        let server = try await Shared.servers.server("\(suite)").value
        try server.set(nil)  // What a test that failed has left.
        return server
    }

    private static func start() async throws -> KeystoneServer {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("herald-keystone-\(UUID().uuidString.prefix(8).lowercased())")
        for certificate in TestRelay.Certificate.allCases {
            let own = folder.appendingPathComponent(Self.folderName(of: certificate))
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
            try await TestRelay.make(certificate, in: own)
        }
        Self.folders.withLockedValue { $0.append(folder) }
        let process = try Python.start([Python.script("identity.py"), folder.path], in: folder)
        let ready = try await Self.waitUntilReady(process, in: folder)
        let fixture = try JSONDecoder().decode(
            Fixture.self, from: Data(contentsOf: folder.appendingPathComponent("fixture.json")))
        return KeystoneServer(folder: folder, process: process, ready: ready, fixture: fixture)
    }

    /// What is removed when the test process ends.
    private static let folders: NIOLockedValueBox<[URL]> = {
        atexit {
            for folder in KeystoneServer.folders.withLockedValue({ $0 }) {
                try? FileManager.default.removeItem(at: folder)
            }
        }
        return NIOLockedValueBox([])
    }()

    private static func waitUntilReady(_ process: ChildProcess, in folder: URL) async throws -> Ready {
        let file = folder.appendingPathComponent("ready.json")
        let ready = try await eventually(within: .seconds(120)) { () -> Ready? in
            guard process.exit == nil else { throw Failed(description: "Keystone ended: \(Self.log(in: folder))") }
            return (try? Data(contentsOf: file)).flatMap { try? JSONDecoder().decode(Ready.self, from: $0) }
        }
        guard let ready else { throw Failed(description: "Keystone does not start: \(Self.log(in: folder))") }
        return ready
    }

    private static func log(in folder: URL) -> String {
        (try? String(contentsOf: folder.appendingPathComponent("python.log"), encoding: .utf8)) ?? ""
    }

    /// Ends it: its port answers nothing.
    package func stop() async { await self.process.withLockedValue { $0 }.stop(within: .seconds(2)) }

    /// Starts it again where it was.
    package func restart() async throws {
        try FileManager.default.removeItem(at: self.folder.appendingPathComponent("ready.json"))
        let arguments = [Python.script("identity.py"), self.folder.path, "\(self.port)"]
        let process = try Python.start(arguments, in: self.folder)
        self.process.withLockedValue { $0 = process }
        let ready = try await Self.waitUntilReady(process, in: self.folder)
        self.ready.withLockedValue { $0 = ready }
    }

    /// - Parameter fault: nil: none any more.
    package func set(_ fault: Fault?) throws {
        let file = self.folder.appendingPathComponent("faults.json")
        switch fault {
        case nil: if FileManager.default.fileExists(atPath: file.path) { try FileManager.default.removeItem(at: file) }
        case .close(let times): try Data(#"{"close": \#(times)}"#.utf8).write(to: file, options: .atomic)
        case .status(let status): try Data(#"{"status": \#(status)}"#.utf8).write(to: file, options: .atomic)
        case .hold: try Data(#"{"hold": true}"#.utf8).write(to: file, options: .atomic)
        }
    }

    /// Replaces all Fernet keys: no token from before is known any more.
    package func replaceKeys() throws {
        for key in ["0", "1"] {
            let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
            let text = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            try Data(text.utf8).write(
                to: self.folder.appendingPathComponent("fernet/\(key)"), options: .atomic)
        }
    }

    /// What it has answered, in that order.
    package func requests() throws -> [Request] {
        let file = self.folder.appendingPathComponent("requests.jsonl")
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        // The last line may be written just now.
        return try Data(contentsOf: file).split(separator: 0x0A).compactMap {
            try? JSONDecoder().decode(Request.self, from: Data($0))
        }
    }

    /// How often it was asked about a token, with any result.
    package func validations(of token: String) throws -> Int {
        let digest = SHA256.digest(Array(token.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        return try self.requests().count { $0.isValidation && $0.subject == digest.joined() }
    }
}
