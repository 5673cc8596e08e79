import NIOCore
import Operations
import Redis
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
        share.take(0, at: Self.start)
        #expect(share.spend(1, rate: 9, at: Self.start) == .ask(share: 0))
    }

    @Test func `While the bucket does not answer posts pass, and it is asked once a second`() {
        var share = PostShare()
        #expect(share.spend(1, rate: 50, at: Self.start) == .ask(share: 5))
        share.fail(at: Self.start)
        #expect(share.spend(500, rate: 50, at: Self.start + .milliseconds(999)) == .spent)
        #expect(share.spend(1, rate: 50, at: Self.start + .seconds(1)) == .ask(share: 5))
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

    @Test func `A sum counts for a second, and what is let in since is added`() throws {
        let url = try RedisURL("redis://a.example", as: .setting)
        var tally = UsageTally()
        #expect(tally.step(at: Self.start) == .wait)
        tally.ask()
        tally.read([url: StoredUsage(bytes: 100, subscriptions: 2)], at: Self.start)
        #expect(tally.step(at: Self.start + .milliseconds(999)) == .known)
        #expect(tally.step(at: Self.start + .seconds(1)) == .sum)
        tally.add(StoredUsage(bytes: 20))
        tally.add(StoredUsage(subscriptions: 1))
        #expect(tally.usage == StoredUsage(bytes: 120, subscriptions: 3))
        // What was let in before the shards were asked is in their sum; what was meanwhile is not.
        tally.ask()
        #expect(tally.step(at: Self.start + .seconds(9)) == .known, "one sum at a time")
        tally.add(StoredUsage(bytes: 7))
        tally.read([url: StoredUsage(bytes: 50, subscriptions: 3)], at: Self.start + .seconds(1))
        #expect(tally.usage == StoredUsage(bytes: 57, subscriptions: 3))
        #expect(tally.step(at: Self.start + .milliseconds(1999)) == .known)
    }

    @Test func `What was let in and not stored does not count, whenever that is known`() throws {
        let url = try RedisURL("redis://a.example", as: .setting)
        var tally = UsageTally()
        tally.read([url: StoredUsage(bytes: 10)], at: Self.start)
        tally.add(StoredUsage(bytes: 5))
        tally.release(StoredUsage(bytes: 5))
        #expect(tally.usage == StoredUsage(bytes: 10))
        tally.add(StoredUsage(bytes: 5))
        tally.ask()
        tally.release(StoredUsage(bytes: 5))
        tally.add(StoredUsage(bytes: 3))
        tally.read([url: StoredUsage(bytes: 10)], at: Self.start)
        #expect(tally.usage == StoredUsage(bytes: 13))
        tally.release(StoredUsage(bytes: 100))
        #expect(tally.usage == StoredUsage(bytes: 10))
    }

    @Test func `A pool that does not answer is taken to have what it had`() throws {
        let (one, two) = (
            try RedisURL("redis://a.example", as: .setting), try RedisURL("redis://b.example", as: .setting)
        )
        var tally = UsageTally()
        tally.read([one: StoredUsage(bytes: 100, subscriptions: 2), two: nil], at: Self.start)
        #expect(!tally.isWhole && tally.usage == StoredUsage(bytes: 100, subscriptions: 2))
        tally.read([one: nil, two: StoredUsage(bytes: 50)], at: Self.start)
        #expect(tally.isWhole && tally.usage == StoredUsage(bytes: 150, subscriptions: 2))
        tally.read([one: nil, two: StoredUsage(bytes: 120)], at: Self.start)
        #expect(tally.usage == StoredUsage(bytes: 220, subscriptions: 2))
        tally.read([two: StoredUsage(bytes: 1)], at: Self.start)
        #expect(tally.usage == StoredUsage(bytes: 1), "a pool that was removed has nothing")
    }
}
