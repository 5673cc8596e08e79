import Foundation

/// A control group of Linux, of version 1 or 2, whose processes together may use no more than it says.
package struct ControlGroup: Sendable {
    package enum Limit: Sendable {
        /// Bytes, without any swap; what asks for more is killed.
        case memory(Int)
        /// Of one core, such as 0.2.
        case processor(Double)

        fileprivate var controller: String {
            switch self {
            case .memory: "memory"
            case .processor: "cpu"
            }
        }
    }

    package struct Refused: Error {
        let path: String
    }

    private static let root = "/sys/fs/cgroup"
    /// All controllers in one tree.
    private static let isSecondVersion = FileManager.default.fileExists(atPath: root + "/cgroup.controllers")

    private let folder: String

    /// Whether there may be one: it takes root, and groups that can be written.
    package static func isAvailable(for limit: Limit) async -> Bool {
        do {
            try await withControlGroup(limit) { _ in }
            return true
        } catch {
            return false
        }
    }

    fileprivate init(_ limit: Limit) throws {
        let name = "herald-test-\(UUID().uuidString.lowercased())"
        if Self.isSecondVersion {
            // Refused where it is not ours to give; what follows says so then.
            try? Self.write("+\(limit.controller)", to: "\(Self.root)/cgroup.subtree_control")
            self.folder = "\(Self.root)/\(name)"
        } else {
            self.folder = "\(Self.root)/\(limit.controller)/\(name)"
        }
        guard mkdir(self.folder, 0o755) == 0 else { throw Refused(path: self.folder) }
        do {
            try self.set(limit)
        } catch {
            rmdir(self.folder)
            throw error
        }
    }

    package func set(_ limit: Limit) throws {
        let period = 100_000
        switch (limit, Self.isSecondVersion) {
        case (.memory(let bytes), true):
            try self.write("\(bytes)", to: "memory.max")
            // Not there without swap.
            try? self.write("0", to: "memory.swap.max")
        case (.memory(let bytes), false):
            try self.write("\(bytes)", to: "memory.limit_in_bytes")
            try? self.write("0", to: "memory.swappiness")
        case (.processor(let share), true):
            try self.write("\(Int(share * Double(period))) \(period)", to: "cpu.max")
        case (.processor(let share), false):
            try self.write("\(period)", to: "cpu.cfs_period_us")
            try self.write("\(Int(share * Double(period)))", to: "cpu.cfs_quota_us")
        }
    }

    /// Where servers begin in it.
    package var host: ServerHost {
        ServerHost(entry: ["sh", "-e", "-c", "echo $$ >\(self.folder)/cgroup.procs; exec \"$@\"", "sh"])
    }

    /// Takes a process that runs.
    package func add(_ process: ChildProcess) throws { try self.write("\(process.id)", to: "cgroup.procs") }

    private func write(_ text: String, to file: String) throws { try Self.write(text, to: "\(self.folder)/\(file)") }

    private static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else { throw Refused(path: path) }
        let isWritten = fputs(text, file) >= 0
        // What was written is refused when it gets there.
        guard fclose(file) == 0, isWritten else { throw Refused(path: path) }
    }

    /// Removes it, once all its processes have ended.
    fileprivate func end() async throws {
        let isGone: Bool? = try await eventually { rmdir(self.folder) == 0 ? true : nil }
        guard isGone == true else { throw Refused(path: self.folder) }
    }
}

/// Gives a control group of one's own, and removes it at the end, when its processes have to have ended.
package func withControlGroup<Result>(
    _ limit: ControlGroup.Limit, _ body: (ControlGroup) async throws -> Result
) async throws -> Result {
    let group = try ControlGroup(limit)
    let result: Result
    do {
        result = try await body(group)
    } catch {
        try await group.end()
        throw error
    }
    try await group.end()
    return result
}
