import Foundation

/// Inputs that look nearly right: those of a corpus, changed at random, and the same ones for the same seed.
///
/// `HERALD_TEST_FUZZ_SEED` names another seed than 1, `HERALD_TEST_FUZZ_SECONDS` has a run last so long instead of its number
/// of rounds, and in the folder `HERALD_TEST_FUZZ_FOLDER` lies the input that is being tried, for an input that ends the
/// process can be found nowhere else. `scripts/fuzz` sets all three.
package struct Fuzzer: RandomNumberGenerator {
    /// Where the inputs come from, for the message of a test that fails.
    package let origin: String

    private let name: String
    private let corpus: [[UInt8]]
    private let tokens: [[UInt8]]
    private let rounds: Int
    private var generator: SeededGenerator

    /// - Parameters:
    ///   - name: Of the target; targets of one seed try different inputs.
    ///   - corpus: At least one input.
    ///   - tokens: What is put into inputs, beside single bytes.
    ///   - rounds: Inputs of a run without `HERALD_TEST_FUZZ_SECONDS`.
    package init(_ name: String, corpus: [String], tokens: [String], rounds: Int) {
        self.init(
            name, corpus: corpus.map { Array($0.utf8) }, tokens: (tokens + Self.numbers).map { Array($0.utf8) },
            rounds: rounds)
    }

    /// The same for inputs that are no text.
    package init(_ name: String, corpus: [[UInt8]], tokens: [[UInt8]], rounds: Int) {
        let seed = Self.variable("HERALD_TEST_FUZZ_SEED").flatMap { UInt64($0) } ?? 1
        self.name = name
        self.origin = "fuzz target \(name), seed \(seed)"
        self.corpus = corpus
        self.tokens = tokens
        self.rounds = rounds
        // FNV-1a, 64 bits.
        self.generator = SeededGenerator(
            seed: name.utf8.reduce(seed ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    package mutating func next() -> UInt64 { self.generator.next() }

    /// Tries one input after the other.
    package mutating func run(_ body: ([UInt8]) throws -> Void) throws {
        var turns = Turns(self)
        while let input = try turns.next(&self) { try body(input) }
    }

    /// Tries one input after the other.
    package mutating func run(_ body: ([UInt8]) async throws -> Void) async throws {
        var turns = Turns(self)
        while let input = try turns.next(&self) { try await body(input) }
    }

    private struct Turns {
        private let rounds: Int
        private let end: ContinuousClock.Instant?
        private let file: URL?
        private var count = 0

        init(_ fuzzer: Fuzzer) {
            let seconds = Fuzzer.variable("HERALD_TEST_FUZZ_SECONDS").flatMap { Int($0) }
            self.end = seconds.map { ContinuousClock.now + .seconds($0) }
            self.rounds = fuzzer.rounds
            self.file = Fuzzer.variable("HERALD_TEST_FUZZ_FOLDER").map {
                URL(fileURLWithPath: $0).appendingPathComponent(fuzzer.name)
            }
        }

        mutating func next(_ fuzzer: inout Fuzzer) throws -> [UInt8]? {
            if let end {
                guard ContinuousClock.now < end else { return nil }
            } else if self.count == self.rounds {
                return nil
            }
            self.count += 1
            let input = fuzzer.input()
            if let file { try Data(input).write(to: file) }
            return input
        }
    }

    private mutating func input() -> [UInt8] {
        var bytes = self.pick(self.corpus)
        for _ in 0..<Int.random(in: 0...6, using: &self) { self.change(&bytes) }
        return bytes
    }

    /// Changes, drops, repeats, cuts or adds something.
    private mutating func change(_ bytes: inout [UInt8]) {
        let start = Int.random(in: 0...bytes.count, using: &self)
        let end = min(bytes.count, start + Int.random(in: 0...8, using: &self))
        switch Int.random(in: 0..<8, using: &self) {
        case 0 where start < bytes.count: bytes[start] = UInt8.random(in: 0...255, using: &self)
        case 1 where start < bytes.count: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &self)
        case 2: bytes.removeSubrange(start..<end)
        case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
        case 4: bytes.removeSubrange(start...)
        case 5:
            let piece = start < end ? Array(bytes[start..<end]) : self.pick(self.tokens)
            for _ in 0..<Int.random(in: 1...64, using: &self) { bytes.insert(contentsOf: piece, at: start) }
        case 6: bytes = Array(bytes[..<start]) + self.pick(self.corpus).dropFirst(start)
        default: bytes.insert(contentsOf: self.pick(self.tokens), at: start)
        }
    }

    private mutating func pick(_ values: [[UInt8]]) -> [UInt8] {
        values[Int.random(in: 0..<values.count, using: &self)]
    }

    /// Where arithmetic ends.
    private static let numbers = [
        "0", "-1", "255", "256", "65536", "2147483647", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
        "99999999999999999999999999", "1e400", "0.1",
    ]

    private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}
