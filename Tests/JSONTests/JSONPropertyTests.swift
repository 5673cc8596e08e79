import Documents
import Domain
import Foundation
import JSON
import TestKit
import Testing

/// The reader against Foundation's parser, over a corpus, documents made up at random, and mutations of both.
///
/// The two must agree on what is JSON. Where they may not, each difference has a name in ``Difference``.
struct JSONPropertyTests {
    /// Why this deployment and Foundation may judge one text differently.
    enum Difference: String, CaseIterable {
        /// We refuse integers beyond 64 bits; Foundation rounds them.
        case integerTooLarge
        /// We stop at ``JSONReader/nestingMax`` levels; Foundation at 512.
        case tooDeep
        /// Foundation also takes UTF-16 and UTF-32, with a byte-order mark or by the look of the zeros, and drops the mark
        /// of UTF-8.
        case encoding
        /// Foundation lets a comma stand before a closing bracket.
        case trailingComma
        /// Foundation refuses fractions too large for a double; we pass them on as they are written.
        case fractionTooLarge
    }

    static let corpus: [[UInt8]] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
            .compactMap { try? Data(contentsOf: $0) }.map { Array($0) }
    }()

    private func foundationTakes(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])) != nil
    }

    /// The difference that excuses opposite judgements; nil when nothing does.
    private func difference(_ bytes: [UInt8], _ fault: JSONInvalid?) -> Difference? {
        switch fault?.reason {
        case .integerTooLarge: return .integerTooLarge
        case .tooDeep: return .tooDeep
        case nil:
            // We took it and Foundation did not: only a huge exponent can be the cause.
            let text = String(decoding: bytes, as: UTF8.self)
            return text.contains { $0 == "e" || $0 == "E" } ? .fractionTooLarge : nil
        default:
            let marks: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE], [0, 0, 0xFE, 0xFF]]
            if marks.contains(where: { bytes.starts(with: $0) }) || bytes.prefix(4).contains(0) { return .encoding }
            guard let fault, [UInt8(ascii: "]"), UInt8(ascii: "}")].contains(bytes.dropFirst(fault.offset).first) else {
                return nil
            }
            let before = bytes.prefix(fault.offset).last { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }
            return before == UInt8(ascii: ",") ? .trailingComma : nil
        }
    }

    private func check(_ bytes: [UInt8], _ origin: @autoclosure () -> String) {
        let fault = JSONReaderTests.fault(bytes)
        let theirs = self.foundationTakes(bytes)
        guard (fault == nil) != theirs else { return }
        #expect(
            self.difference(bytes, fault) != nil,
            """
            \(origin()): \(fault.map { "\($0)" } ?? "taken") here, \(theirs ? "taken" : "refused") there: \
            \(String(reflecting: String(decoding: bytes.prefix(300), as: UTF8.self)))
            """)
    }

    @Test func `The corpus is judged as Foundation judges it`() {
        #expect(Self.corpus.count >= 30)
        for seed in Self.corpus { self.check(seed, "corpus") }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `Documents made up at random are taken by both`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<400 {
            let bytes = RandomJSON.document(using: &random)
            #expect(JSONReaderTests.reason(bytes) == nil, "seed \(seed) round \(round)")
            self.check(bytes, "seed \(seed) round \(round)")
        }
    }

    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func `Mutated documents are judged as Foundation judges them`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<4000 {
            var bytes = Self.corpus.randomElement(using: &random) ?? []
            if Bool.random(using: &random) { bytes = RandomJSON.document(using: &random) }
            for _ in 0..<Int.random(in: 1...4, using: &random) { RandomJSON.mutate(&bytes, using: &random) }
            self.check(bytes, "seed \(seed) round \(round)")
        }
    }

    @Test(arguments: [21, 22] as [UInt64])
    func `Readers of bodies never break, whatever the bytes`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let queue = try QueueName("q")
        for _ in 0..<4000 {
            var bytes = Self.corpus.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...6, using: &random) { RandomJSON.mutate(&bytes, using: &random) }
            let sound = JSONReaderTests.reason(bytes) == nil
            let post = try? PostBody(bytes.span, countMax: 1000)
            let metadata = try? QueueMetadata(document: bytes, of: queue, limits: Limits())
            let subscription = try? SubscriptionBody(document: bytes, now: Timestamp(milliseconds: 0))
            #expect(sound || (post == nil && metadata == nil && subscription == nil))
            for message in post?.messages ?? [] {
                #expect(JSONReaderTests.reason(Array(bytes[message.body])) == nil)
            }
        }
    }
}

/// JSON out of thin air.
enum RandomJSON {
    static func document(using random: inout SeededGenerator) -> [UInt8] {
        var text: [UInt8] = []
        Self.container(into: &text, depth: 0, using: &random)
        return text
    }

    /// Changes, drops, repeats or adds a few bytes.
    static func mutate(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "-", "0", "1", ".", "e", "E5", "null", " ",
            "\n",
        ]
        let index = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0 where index < bytes.count: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1 where index < bytes.count: bytes.remove(at: index)
        case 2 where index < bytes.count: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 3: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 0...8, using: &random)))
        case 4: bytes.insert(contentsOf: bytes.prefix(index).suffix(Int.random(in: 0...8, using: &random)), at: index)
        default: bytes.insert(contentsOf: (tokens.randomElement(using: &random) ?? "").utf8, at: index)
        }
    }

    private static func space(into text: inout [UInt8], using random: inout SeededGenerator) {
        while Int.random(in: 0..<4, using: &random) == 0 {
            text.append([0x20, 0x0A, 0x0D, 0x09].randomElement(using: &random) ?? 0x20)
        }
    }

    private static func container(into text: inout [UInt8], depth: Int, using random: inout SeededGenerator) {
        let isObject = Bool.random(using: &random)
        text.append(UInt8(ascii: isObject ? "{" : "["))
        for index in 0..<Int.random(in: 0...4, using: &random) {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            Self.space(into: &text, using: &random)
            if isObject {
                Self.string(into: &text, using: &random)
                Self.space(into: &text, using: &random)
                text.append(UInt8(ascii: ":"))
            }
            Self.value(into: &text, depth: depth + 1, using: &random)
            Self.space(into: &text, using: &random)
        }
        text.append(UInt8(ascii: isObject ? "}" : "]"))
    }

    private static func value(into text: inout [UInt8], depth: Int, using random: inout SeededGenerator) {
        switch Int.random(in: 0..<(depth < 6 ? 7 : 5), using: &random) {
        case 0: text += Array("\(Int64.random(in: .min ... .max, using: &random))".utf8)
        case 1: text += Array("\(Double.random(in: -1e9...1e9, using: &random))".utf8)
        case 2: text += Array((["true", "false", "null", "0", "-0.5e-3"].randomElement(using: &random) ?? "0").utf8)
        case 3, 4: Self.string(into: &text, using: &random)
        default: Self.container(into: &text, depth: depth, using: &random)
        }
    }

    private static func string(into text: inout [UInt8], using random: inout SeededGenerator) {
        let pieces = [
            "a", "key", "é", "€", "😀", "\\n", "\\\\", "\\\"", "\\/", "\\u00e9", "\\ud83d\\ude00", " ", "\u{7F}",
            "\u{2028}",
        ]
        text.append(UInt8(ascii: "\""))
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            text += Array((pieces.randomElement(using: &random) ?? "").utf8)
        }
        text.append(UInt8(ascii: "\""))
    }
}
