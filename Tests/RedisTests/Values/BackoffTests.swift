import Redis
import Testing

struct BackoffTests {
    @Test(
        arguments: [
            (0.0, [25, 50, 100, 200, 400, 500, 500]),
            (0.5, [37, 75, 150, 300, 600, 750, 750]),
            (1.0, [50, 100, 200, 400, 800, 1_000, 1_000]),
        ])
    func `The pauses double, are capped, and lie in their upper half`(random: Double, milliseconds: [Int64]) {
        var backoff = Backoff()
        #expect(
            milliseconds.map { _ in backoff.next(random: random) / .milliseconds(1) }.map { Int64($0) } == milliseconds)
    }

    @Test func `The cap holds however many attempts fail`() {
        var backoff = Backoff()
        for _ in 0..<10_000 { #expect(backoff.next(random: 1) <= backoff.longest) }
        backoff.reset()
        #expect(backoff.next(random: 1) == backoff.shortest)
    }
}
