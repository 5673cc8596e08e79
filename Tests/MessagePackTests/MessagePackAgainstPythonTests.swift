import Cryptography
import Foundation
import JSON
import MessagePack
import NIOCore
import TestKit
import Testing

/// Ours beside PyPI's `msgpack`, both ways, over documents made up at random.
struct MessagePackAgainstPythonTests {
    /// Of each line, a JSON text and our MessagePack of it in hexadecimal digits: what theirs reads out of ours, and what theirs writes in
    /// three dialects, with strings as str, with all of them as bin, and as the raw family.
    private static let program = """
        import json, sys, msgpack
        def binary(value):
            if isinstance(value, str): return value.encode()
            if isinstance(value, list): return [binary(each) for each in value]
            if isinstance(value, dict): return {name.encode(): binary(each) for name, each in value.items()}
            return value
        with open(sys.argv[1]) as lines, open(sys.argv[2], "w") as out:
            for line in lines:
                text, ours = line.rstrip("\\n").split("\\t")
                value = json.loads(text)
                read = msgpack.unpackb(bytes.fromhex(ours), strict_map_key=True)
                written = [msgpack.packb(value), msgpack.packb(binary(value)), msgpack.packb(value, use_bin_type=False)]
                out.write("\\t".join([json.dumps(read)] + [each.hex() for each in written]) + "\\n")
        """

    @Test func `Python reads what we write, and we read what Python writes`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var maker = JSONDocumentMaker(generator: SeededGenerator(seed: seed))
        // Tabs are blanks to JSON and what separates the columns here.
        let documents = (0..<2000).map { _ in maker.make().replacing("\t", with: " ") }
        let rows = try await self.python(
            try documents.map { document in
                let ours = try MessagePack.bytes(of: Array(document.utf8).span)
                return "\(document)\t\(Hexadecimal.encode(Array(ours.readableBytesView)))"
            })
        try #require(rows.count == documents.count, "seed \(seed)")
        for (document, row) in zip(documents, rows) {
            let expected = try self.canonical(Array(document.utf8))
            #expect(row[0] == expected, "seed \(seed): \(document)")
            for written in row.dropFirst() {
                let bytes = try #require(Hexadecimal.decode(written))
                let read = self.read(bytes)
                // JSON has no infinity, so that alone is refused.
                #expect(
                    read == expected || read == "notFinite" && expected.contains("Infinity"),
                    "seed \(seed): \(document)")
            }
        }
    }

    /// The canonical text of what we read, or why nothing is read.
    private func read(_ bytes: [UInt8]) -> String {
        do {
            return try self.canonical(Array(MessagePack.json(of: bytes.span).readableBytesView))
        } catch let error as MessagePackInvalid {
            return "\(error.reason)"
        } catch {
            return "\(error)"
        }
    }

    private func canonical(_ json: [UInt8]) throws(JSONInvalid) -> String {
        try CanonicalJSON.text(of: json.span).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }

    private func python(_ lines: [String]) async throws -> [[String]] {
        try await withTemporaryFolder { folder in
            let (input, output) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
            try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: input)
            let run = try await Python.run { _ in ["-c", Self.program, input.path, output.path] }
            #expect(run.exit == .status(0), "\(run.output)")
            return String(decoding: try Data(contentsOf: output), as: UTF8.self).split(separator: "\n").map {
                $0.split(separator: "\t").map(String.init)
            }
        }
    }
}
