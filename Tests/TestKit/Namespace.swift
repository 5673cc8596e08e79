import Foundation

/// A namespace of Linux that a child of ours keeps: it is gone with the last process in it, whatever becomes of us.
struct Namespace: Sendable {
    /// Its option of `unshare` and `nsenter`, and its name in `/proc`.
    enum Kind: String, Sendable {
        case network = "net"
        case mount = "mnt"

        fileprivate var option: String { self == .network ? "--net" : "--mount" }
    }

    private let kind: Kind
    private let keeper: ChildProcess

    /// - Parameter folder: Gets the logs.
    init(_ kind: Kind, in folder: URL) async throws {
        self.kind = kind
        self.keeper = try ChildProcess(
            try executable("unshare"), arguments: [kind.option, "sleep", "infinity"],
            log: folder.appendingPathComponent("unshare.log"))
        let (own, other) = ("/proc/self/ns/\(kind.rawValue)", "/proc/\(self.keeper.id)/ns/\(kind.rawValue)")
        let files = FileManager.default
        let isThere: Bool? = try await eventually(every: .milliseconds(1)) { [keeper] in
            if let exit = keeper.exit { throw ToolFailed(description: "no namespace: \(exit)") }
            return try files.destinationOfSymbolicLink(atPath: other) != files.destinationOfSymbolicLink(atPath: own)
                ? true : nil
        }
        guard isThere == true else { throw ToolFailed(description: "no namespace") }
    }

    /// Of the process that keeps it.
    var id: pid_t { self.keeper.id }

    /// What starts a program in it.
    var entry: [String] { ["nsenter", "--target", "\(self.keeper.id)", self.kind.option, "--"] }

    /// Ends it, once every other process in it has ended.
    func end() async {
        self.keeper.signal(SIGKILL)
        await self.keeper.waitForExit()
    }
}

struct ToolFailed: Error, CustomStringConvertible {
    let description: String
}

/// Runs commands of a shell to their end, up to the first one that fails.
///
/// - Parameters:
///   - entry: What starts the shell; empty: it is started as it is.
///   - folder: Gets what is printed.
/// - Throws: ``ToolFailed`` with what was printed.
func runShell(_ commands: [String], entry: [String] = [], in folder: URL) async throws {
    let log = folder.appendingPathComponent("shell-\(UUID().uuidString.prefix(8)).log")
    let words = entry + ["sh", "-e", "-c", commands.joined(separator: "\n")]
    let process = try ChildProcess(try executable(words[0]), arguments: Array(words.dropFirst()), log: log)
    guard await process.waitForExit() == .status(0) else {
        throw ToolFailed(description: try String(contentsOf: log, encoding: .utf8))
    }
}
