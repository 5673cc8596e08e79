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

    private static let keySpace = "Sources/shared/Store/KeySpace/KeySpace.swift"

    @Test func `One file spells keys, for Swift and for Lua`() throws {
        for (name, text) in try Self.files("Sources", ".swift") where !Self.keySpace.hasSuffix(name) {
            #expect(!text.contains(#/"herald:[^ ]/#), "\(name) spells a key")
        }
        let words = try Self.words()
        #expect(words.families.count >= 13 && words.parts.count == 12)
        for (name, text) in try Self.files("Sources", ".lua") {
            #expect(!text.contains("herald:"), "\(name) spells a key")
            for word in words.families { #expect(!text.contains("'\(word):"), "\(name) spells \(word)") }
            for word in words.parts { #expect(!text.contains(":\(word)'"), "\(name) spells \(word)") }
            // What is put behind the prefix of a shard, or a queue's key, has its name.
            for match in text.matches(of: #/prefix \.\. (\w*)/#) {
                #expect(match.output.1.hasPrefix("KEYS_"), "\(name) spells a key")
            }
        }
    }

    /// The words of keys that scripts build.
    private static func words() throws -> (families: [String], parts: [String]) {
        let text = try String(contentsOf: Self.top.appendingPathComponent(Self.keySpace), encoding: .utf8)
        let enums = text.components(separatedBy: "private enum ").dropFirst()
        let words = enums.map { $0.matches(of: #/case \w+ = "([a-z-]+)"/#).map { String($0.output.1) } }
        try #require(words.count == 3)
        return (words[0], words[1])
    }

    @Test func `One file knows where the fields of a record or header are`() throws {
        for (name, text) in try Self.files("Sources", ".lua") where !name.hasPrefix("lib_") {
            let offsets = text.matches(
                of: #/string\.(?:byte|sub)\((?:header|record|event)\w*(?:\[\w+\])?, \d+(?:, \d+)?\)/#)
            for match in offsets where !match.output.hasSuffix("(record, 1, HEAD)") {
                Issue.record("\(name) has the offset of a field: \(match.output)")
            }
            #expect(!text.contains(#/struct\.(?:un)?pack\('/#), "\(name) has a layout of its own")
        }
    }

    @Test func `The document of Redis names every key and every script`() throws {
        let document = try String(
            contentsOf: Self.top.appendingPathComponent("docs/redis.md"), encoding: .utf8)
        let keys = try String(contentsOf: Self.top.appendingPathComponent(Self.keySpace), encoding: .utf8)
        let words = try Self.words()
        // The texts behind a prefix, `prefix + "leases"` and `control + "pools"`, and whole keys.
        let spelled =
            keys.matches(of: #/prefix \+ "([a-z-]+)"/#).map { "`{t}:\($0.output.1)`" }
            + keys.matches(of: #/control \+ "([a-z-]+)"/#).map { "`herald:{control}:\($0.output.1)`" }
            + keys.matches(of: #/Self\.control\)([a-z-]+):/#).map { "`herald:{control}:\($0.output.1):" }
            + keys.matches(of: #/"(herald:[a-z-]+)"/#).map { "`\($0.output.1)`" }
            + words.families.map { "`{t}:\($0):" } + words.parts.map { "`{t}:queue:<q>:\($0)`" }
        #expect(spelled.count >= 60)
        for key in spelled { #expect(document.contains(key), "docs/redis.md does not name \(key)") }
        for (name, _) in try Self.files("Sources/shared/Store/Scripts", ".lua") {
            #expect(document.contains("`\(name)`"), "docs/redis.md does not name \(name)")
        }
    }
}
