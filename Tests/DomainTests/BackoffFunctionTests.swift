import Domain
import Testing

struct BackoffFunctionTests {
    struct Row: Sendable {
        let range: (Int, Int)
        let linear: [Int]
        let arithmetic: [Int]
        let geometric: [Int]
    }

    /// The delays of the Messaging API, the last one cut to the maximum.
    static let table = [
        Row(
            range: (5, 30), linear: [5, 10, 15, 20, 25], arithmetic: [5, 7, 12, 20, 30], geometric: [5, 7, 12, 19, 30]),
        Row(range: (5, 15), linear: [5, 10], arithmetic: [5, 15], geometric: [5, 15]),
        Row(
            range: (5, 60), linear: Array(stride(from: 5, to: 60, by: 5)),
            arithmetic: [5, 6, 8, 11, 15, 20, 26, 33, 41, 50, 60], geometric: [5, 6, 8, 10, 13, 17, 22, 28, 36, 46, 60]),
        Row(
            range: (10, 60), linear: Array(stride(from: 10, to: 60, by: 5)),
            arithmetic: [10, 11, 13, 16, 21, 26, 33, 41, 50, 60], geometric: [10, 12, 14, 18, 22, 27, 33, 40, 49, 60]),
        Row(
            range: (20, 80), linear: Array(stride(from: 20, to: 80, by: 5)),
            arithmetic: [20, 20, 22, 25, 29, 33, 39, 45, 52, 60, 70, 80],
            geometric: [20, 22, 25, 29, 33, 37, 42, 48, 54, 62, 70, 80]),
        Row(
            range: (30, 100), linear: Array(stride(from: 30, to: 100, by: 5)),
            arithmetic: [30, 30, 32, 34, 37, 41, 46, 51, 57, 64, 72, 80, 90, 100],
            geometric: [30, 32, 36, 39, 43, 47, 52, 57, 62, 69, 75, 83, 91, 100]),
        Row(range: (1, 11), linear: [1, 6], arithmetic: [1, 11], geometric: [1, 11]),
    ]

    /// The waits a policy makes of nothing but its backoff list.
    private func waits(_ backoff: BackoffFunction, _ range: (Int, Int)) -> [Int] {
        var policy = RetryPolicy()
        policy.retriesWithoutDelay = 0
        policy.minimumDelayRetries = 0
        policy.maximumDelayRetries = 0
        (policy.delayMin, policy.delayMax, policy.backoff) = (range.0, range.1, backoff)
        return (1..<policy.attemptsMax).compactMap { policy.delay(afterAttempt: $0) }
    }

    @Test(arguments: BackoffFunctionTests.table)
    func `T-19: The four functions have the delays of the Messaging API`(row: Row) {
        #expect(self.waits(.linear, row.range) == row.linear)
        #expect(self.waits(.arithmetic, row.range) == row.arithmetic)
        #expect(self.waits(.geometric, row.range) == row.geometric)
        #expect(self.waits(.exponential, row.range) == row.geometric)
    }

    @Test(arguments: BackoffFunction.allCases)
    func `However wide the range is, waits never shrink and stay within it`(backoff: BackoffFunction) {
        for range in [(1, 86_400), (86_390, 86_400), (5, 300), (7, 1000), (3, 17)] {
            let waits = self.waits(backoff, range)
            #expect(waits.first == range.0)
            #expect(backoff == .linear ? waits.allSatisfy { $0 < range.1 } : waits.last == range.1)
            #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        }
    }

    @Test(arguments: BackoffFunction.allCases)
    func `A policy that makes no sense has waits all the same`(backoff: BackoffFunction) {
        for range in [(0, 20), (0, 86_400), (0, 0), (0, 6), (20, 20), (30, 20), (86_400, 0), (-5, 30), (-20, -5)] {
            let waits = self.waits(backoff, range)
            let most = max(range.0, range.1, backoff.shortestMin)
            #expect(waits.allSatisfy { $0 >= min(range.0, backoff.shortestMin) && $0 <= most }, "\(range): \(waits)")
        }
    }
}
