import Foundation
import JSON
import TestKit
import Testing

/// The canonical form against the program that defines it.
///
/// Without a Python there is nothing to compare with.
struct CanonicalJSONAgainstPythonTests {
    /// `HERALD_TEST_PYTHON`, the clients' environment, or the machine's own.
    static let interpreter: String? = {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let candidates =
            [ProcessInfo.processInfo.environment["HERALD_TEST_PYTHON"], top.path + "/.venv/bin/python"].compactMap {
                $0
            }
            + folders.map { "\($0)/python3" }
        return candidates.first(where: FileManager.default.isExecutableFile(atPath:))
    }()

    private static let program = """
        import json, sys
        out = sys.stdout.buffer
        for line in sys.stdin.buffer:
            out.write(json.dumps(json.loads(line)).encode("ascii") + b"\\n")
        """

    @Test(.enabled(if: CanonicalJSONAgainstPythonTests.interpreter != nil, "no Python here"))
    func `ST-30: Documents made up at random read as Python writes them`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var maker = JSONDocumentMaker(generator: SeededGenerator(seed: seed))
        let documents = (0..<4000).map { _ in maker.make() }
        let theirs = try self.python(documents)
        try #require(theirs.count == documents.count, "seed \(seed)")
        for (document, their) in zip(documents, theirs) {
            let ours = try CanonicalJSON.text(of: Array(document.utf8).span)
            #expect(ours.map { String(decoding: $0, as: UTF8.self) } ?? "null" == their, "seed \(seed): \(document)")
        }
    }

    private func python(_ lines: [String]) throws -> [String] {
        let input = FileManager.default.temporaryDirectory.appending(path: "herald-\(UUID().uuidString).jsonl")
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: input)
        defer { try? FileManager.default.removeItem(at: input) }  // A file left in the temporary folder does no harm.
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: try #require(Self.interpreter))
        process.arguments = ["-c", Self.program]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
