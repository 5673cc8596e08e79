import Foundation
import Testing

/// Reads the store's own sources: what a reader relies on must stay true.
struct SourceTests {
    private static let top = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func files(_ folder: String, _ suffix: String) throws -> [(name: String, text: String)] {
        let folder = self.top.appendingPathComponent(folder)
        let paths = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }
        return try paths.filter { $0.hasSuffix(suffix) }.map { path in
            (path, try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8))
        }
    }

    @Test func `Every script has its contract on top`() throws {
        let scripts = try Self.files("Sources/shared/Store/Scripts", ".lua")
        #expect(scripts.count >= 19)
        for (name, text) in scripts {
            let header = text.split(separator: "\n").prefix { $0.hasPrefix("--") }
            #expect(header.first?.hasPrefix("-- \(name): ") == true, "\(name) starts with its name and what it does")
            for part in ["-- KEYS ", "-- ARGV ", "-- RETURNS ", "-- COST "] {
                #expect(header.contains { $0.hasPrefix(part) }, "\(name) has no \(part.dropFirst(3))")
            }
        }
    }

    @Test func `One file spells keys`() throws {
        for (name, text) in try Self.files("Sources", ".swift") where !name.hasSuffix("Store/Keys/Keys.swift") {
            #expect(!text.contains(#/"herald:[^ ]/#), "\(name) spells a key")
        }
    }

    @Test func `The document of Redis names every key and every script`() throws {
        let document = try String(
            contentsOf: Self.top.appendingPathComponent("docs/redis.md"), encoding: .utf8)
        let keys = try String(
            contentsOf: Self.top.appendingPathComponent("Sources/shared/Store/Keys/Keys.swift"), encoding: .utf8)
        // The parts in quotes behind a prefix, `prefix + "pos"` and `"\(self.prefix)dead:\(…)"`, and whole keys.
        let spelled =
            keys.matches(of: #/prefix \+ "([a-z]+)"/#).map { "`{t}:\($0.output.1)`" }
            + keys.matches(of: #/\(self\.prefix\)([a-z]+):\\/#).map { "`{t}:\($0.output.1):" }
            + keys.matches(of: #/"(herald:[a-z]+)"/#).map { "`\($0.output.1)`" }
        #expect(spelled.count >= 18)
        for key in spelled { #expect(document.contains(key), "docs/redis.md does not name \(key)") }

        let shared = try Self.files("Sources/shared/Store/Scripts", "delivery.lua").map(\.text).joined()
        for match in shared.matches(of: #/prefix \.\. '([a-z]+:)'/#) {
            #expect(document.contains("`{t}:\(match.output.1)"), "docs/redis.md does not name \(match.output.1)")
        }
        for (name, _) in try Self.files("Sources/shared/Store/Scripts", ".lua") {
            #expect(document.contains("`\(name)`"), "docs/redis.md does not name \(name)")
        }
    }
}
