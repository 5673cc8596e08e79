import Foundation

/// A small disk of a test's own: memory, in a mount namespace, which the servers started on its host see.
package struct TestDisk: Sendable {
    /// Where its servers run.
    package var host: ServerHost { ServerHost(entry: self.namespace.entry) }
    /// Where it lies for them.
    package let path: String
    private let namespace: Namespace
    private let folder: URL

    /// Whether there may be one: it takes root.
    package static func isAvailable() async -> Bool {
        do {
            try await withTestDisk(bytes: 1 << 20) { _ in }
            return true
        } catch {
            return false
        }
    }

    fileprivate init(bytes: Int, in folder: URL, _ namespace: Namespace) async throws {
        self.path = folder.appendingPathComponent("disk").path
        self.namespace = namespace
        self.folder = folder
        try await runShell(
            ["mkdir \(self.path)", "mount -t tmpfs -o size=\(bytes) tmpfs \(self.path)"], entry: namespace.entry,
            in: folder)
    }

    /// Leaves no byte.
    package func fill() async throws {
        try await runShell(
            ["dd if=/dev/zero of=\(self.path)/filler bs=4k || true"], entry: self.namespace.entry, in: self.folder)
    }

    /// Removes what filled it.
    package func clear() async throws {
        try await runShell(["rm \(self.path)/filler"], entry: self.namespace.entry, in: self.folder)
    }
}

/// Gives a disk of one's own, and takes it away at the end.
package func withTestDisk<Result>(bytes: Int, _ body: (TestDisk) async throws -> Result) async throws -> Result {
    try await withTemporaryFolder { folder in
        let namespace = try await Namespace(.mount, in: folder)
        let result: Result
        do {
            result = try await body(try await TestDisk(bytes: bytes, in: folder, namespace))
        } catch {
            await namespace.end()
            throw error
        }
        await namespace.end()
        return result
    }
}
