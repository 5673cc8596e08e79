import NIOCore
import Operations
import Store
import Testing

/// What a process remembers of projects with limits.
struct ProjectTallyTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    // MARK: - Tokens of posts

    @Test func `Tokens that were taken are spent without asking, until they lapse`() {
        var share = PostShare()
        #expect(share.spend(3, rate: 100, at: Self.start) == .ask(share: 10))
        share.take(10, at: Self.start)
        #expect(share.spend(4, rate: 100, at: Self.start) == .spent)
        #expect(share.spend(6, rate: 100, at: Self.start + .milliseconds(999)) == .spent)
        #expect(share.spend(1, rate: 100, at: Self.start + .milliseconds(999)) == .ask(share: 10))
        share.take(5, at: Self.start + .seconds(1))
        #expect(share.spend(1, rate: 100, at: Self.start + .seconds(2)) == .ask(share: 10))
    }

    @Test func `Of several that ask at once one asks for a share, and a slow project for none`() {
        var share = PostShare()
        #expect(share.spend(1, rate: 50, at: Self.start) == .ask(share: 5))
        #expect(share.spend(1, rate: 50, at: Self.start) == .ask(share: 0))
        share.take(0, at: Self.start)
        #expect(share.spend(1, rate: 50, at: Self.start) == .ask(share: 5))
        share.fail()
        #expect(share.spend(1, rate: 9, at: Self.start) == .ask(share: 0))
    }

    @Test func `Who needs as much as was refused is refused without asking, until then, at that rate`() {
        var share = PostShare()
        #expect(share.spend(5, rate: 10, at: Self.start) == .ask(share: 1))
        share.refuse(5, rate: 10, for: .milliseconds(400), at: Self.start)
        #expect(share.spend(5, rate: 10, at: Self.start + .milliseconds(100)) == .refused(.milliseconds(300)))
        #expect(share.spend(500, rate: 10, at: Self.start + .milliseconds(100)) == .refused(.milliseconds(300)))
        #expect(share.spend(4, rate: 10, at: Self.start + .milliseconds(100)) == .ask(share: 1))
        #expect(share.spend(5, rate: 11, at: Self.start + .milliseconds(100)) == .ask(share: 0))
        #expect(share.spend(5, rate: 10, at: Self.start + .milliseconds(400)) == .ask(share: 0))
    }

    // MARK: - Sums over the shards

    @Test func `A sum counts for a second, and what is let in since is added`() {
        var tally = UsageTally()
        #expect(tally.isStale(at: Self.start))
        tally.ask()
        tally.read(StoredUsage(bytes: 100, subscriptions: 2), isWhole: true, asked: Self.start)
        #expect(!tally.isStale(at: Self.start + .milliseconds(999)) && tally.isStale(at: Self.start + .seconds(1)))
        tally.add(StoredUsage(bytes: 20))
        tally.add(StoredUsage(subscriptions: 1))
        #expect(tally.usage == StoredUsage(bytes: 120, subscriptions: 3))
        // What was let in before the shards were asked is in their sum; what was meanwhile is not.
        tally.ask()
        tally.add(StoredUsage(bytes: 7))
        tally.read(StoredUsage(bytes: 50, subscriptions: 3), isWhole: true, asked: Self.start + .seconds(1))
        #expect(tally.usage == StoredUsage(bytes: 57, subscriptions: 3))
    }

    @Test func `A pool that does not answer is taken to have what it had`() {
        var tally = UsageTally()
        tally.ask()
        tally.read(StoredUsage(bytes: 100, subscriptions: 2), isWhole: true, asked: Self.start)
        tally.ask()
        tally.read(StoredUsage(bytes: 30, subscriptions: 5), isWhole: false, asked: Self.start + .seconds(1))
        #expect(tally.usage == StoredUsage(bytes: 100, subscriptions: 5))
        #expect(!tally.isStale(at: Self.start + .milliseconds(1500)))
    }
}
