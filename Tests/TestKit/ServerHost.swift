import Foundation

/// Where a server of a test runs: on this machine, or in namespaces of Linux that a test has made.
package struct ServerHost: Sendable {
    /// The address it listens at.
    package let address: String
    /// What a program is started by, and the arguments before it; empty: it is started as it is.
    private let entry: [String]
    /// nil: any that is free.
    private let ports: ClosedRange<Int>?

    init(address: String = "127.0.0.1", entry: [String], ports: ClosedRange<Int>? = nil) {
        self.address = address
        self.entry = entry
        self.ports = ports
    }

    /// Loopback of this machine.
    package static let loopback = ServerHost(entry: [])

    func freePort() async throws -> Int {
        if let ports = self.ports { return Int.random(in: ports) }
        return try await freeLoopbackPort()
    }

    func start(_ program: String, _ arguments: [String], log: URL) throws -> ChildProcess {
        let words = self.entry + [program] + arguments
        return try ChildProcess(try executable(words[0]), arguments: Array(words.dropFirst()), log: log)
    }
}
