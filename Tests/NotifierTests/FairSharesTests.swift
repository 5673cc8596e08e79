import Domain
import Notifier
import Store
import Testing

struct FairSharesTests {
    private static func project(_ name: String) throws -> ProjectID { try ProjectID(name) }

    /// Has a project take as much as it may, call after call, each answered before the next, and a second later.
    private static func fill(_ shares: inout FairShares, by project: ProjectID) {
        for second in Int64(1)... {
            shares.advance(to: second * 1000)
            let reservation = shares.reserve(for: 0)
            let allowance = reservation.allowance
            let count = min(allowance.capacity, allowance.projects[project] ?? allowance.projectMax)
            shares.confirm(reservation, of: Array(repeating: project, count: count))
            guard count > 0 else { return }
        }
    }

    @Test func `One project alone gets nearly eight ninths, and the rest is there at once for one that holds nothing`()
        throws
    {
        let (loud, quiet) = (try Self.project("loud"), try Self.project("quiet"))
        var shares = FairShares(slots: 900)
        Self.fill(&shares, by: loud)
        #expect((775...777).contains(shares.slots(of: loud)))
        #expect(shares.blocked == 1)
        let reservation = shares.reserve(for: 1)
        #expect(reservation.allowance.projects[loud] == 0)
        #expect(reservation.allowance.projectMax >= 40 && reservation.isBounded)
        shares.confirm(reservation, of: [])
        Self.fill(&shares, by: quiet)
        #expect(shares.slots(of: quiet) >= 70)
        #expect(shares.used < 900)
    }

    @Test(arguments: [2, 10, 100])
    func `However many projects want everything, the next one still gets something`(floods: Int) throws {
        var shares = FairShares(slots: 8192)
        for number in 0..<floods { Self.fill(&shares, by: try Self.project("\(number)")) }
        let reservation = shares.reserve(for: 0)
        #expect(reservation.allowance.projectMax > 0)
    }

    @Test func `Two calls beside each other do not hand all that is left to one project`() throws {
        let loud = try Self.project("loud")
        var shares = FairShares(slots: 90)
        let calls = (0..<16).map { shares.reserve(for: $0) }
        for call in calls {
            let count = min(call.allowance.capacity, call.allowance.projects[loud] ?? call.allowance.projectMax)
            shares.confirm(call, of: Array(repeating: loud, count: count))
        }
        #expect(shares.slots(of: loud) < 90)
        #expect(shares.reserve(for: 0).allowance.projectMax > 0)
    }

    @Test func `Without contention a call is not bounded, and names no project`() throws {
        var shares = FairShares(slots: 8192)
        shares.confirm(shares.reserve(for: 0), of: [try Self.project("a")])
        let reservation = shares.reserve(for: 0)
        #expect(reservation.allowance.capacity == FairShares.perCallMax)
        #expect(reservation.allowance.projects.isEmpty && !reservation.isBounded)
    }

    @Test func `Shards that got nothing are woken in turn, while something is free`() throws {
        let project = try Self.project("a")
        var shares = FairShares(slots: 1)
        let only = shares.reserve(for: 7)
        shares.confirm(only, of: [project])
        for shard in [3, 5, 3] { #expect(shares.reserve(for: shard).allowance.capacity == 0) }
        #expect(shares.next() == nil)
        shares.release([project])
        #expect(shares.next() == 3)
        #expect(shares.next() == 5)
        #expect(shares.next() == nil)
        #expect(shares.isIdle)
    }

    @Test func `Large bodies of one project leave bytes for those of another`() throws {
        let (loud, quiet) = (try Self.project("loud"), try Self.project("quiet"))
        var shares = FairShares(slots: 1000, bytes: 9 << 20)
        for _ in 0..<9 where shares.mayHold(loud) { shares.hold(bytes: 1 << 20, of: loud) }
        #expect(shares.bytes(of: loud) == 8 << 20)
        #expect(!shares.mayHold(loud) && shares.mayHold(quiet))
        #expect(shares.reserve(for: 0).allowance.projects == [loud: 0])
        shares.hold(bytes: 2 << 20, of: quiet)
        #expect(shares.reserve(for: 1).allowance.capacity == 0)
        shares.release(bytes: 8 << 20, of: loud)
        #expect(shares.next() == 1)
    }

    @Test func `With every slot held, a settlement may lease as much as it gives back`() throws {
        let (first, second) = (try Self.project("a"), try Self.project("b"))
        var shares = FairShares(slots: 640)
        shares.count(Array(repeating: first, count: 320) + Array(repeating: second, count: 320))
        let ending = Array(repeating: first, count: 64)
        shares.settling(ending)
        #expect(shares.used == 576 && shares.settling == 64)
        #expect(shares.reserve(for: 1).allowance.capacity == 0, "what is being settled is not free")
        let reservation = shares.reserve(for: 0, upTo: 64, settling: 64)
        #expect(reservation.allowance.capacity == 64)
        shares.confirm(reservation, of: Array(repeating: second, count: 64))
        #expect(shares.next() == nil)
        shares.settled(64)
        #expect(shares.used == 640 && shares.settling == 0 && shares.next() == nil)
        shares.release(Array(repeating: first, count: 256) + Array(repeating: second, count: 384))
        #expect(shares.isIdle)
    }

    @Test func `However many projects are over their share, none is served as one that holds nothing`() throws {
        var shares = FairShares(slots: 9000, bytes: 3_000_000)
        let floods = try (0..<290).map { try Self.project("flood-\($0)") }
        for flood in floods { shares.hold(bytes: 10_000, of: flood) }
        shares.hold(bytes: 6_000, of: try Self.project("other"))
        #expect(shares.blocked == 291)
        let allowance = shares.reserve(for: 0).allowance
        #expect(allowance.projects.count == LeaseAllowance.projectsMax)
        let most = floods.map { allowance.projects[$0] ?? allowance.projectMax }.max()
        #expect(most == FairShares.few)
    }

    @Test func `A shard that had to leave something behind is named once no project is over its share`() throws {
        let (loud, other) = (try Self.project("loud"), try Self.project("other"))
        var shares = FairShares(slots: 900)
        Self.fill(&shares, by: loud)
        let reservation = shares.reserve(for: 5)
        #expect(reservation.isAskedAgain)
        shares.confirm(reservation, of: [other])
        var woken: [Int] = []
        while let shard = shares.next() { woken.append(shard) }
        #expect(woken.isEmpty)
        shares.release(Array(repeating: loud, count: 100))
        while let shard = shares.next() { woken.append(shard) }
        #expect(woken.contains(5) && Set(woken).count == woken.count)
    }

    /// Has a project take as much as it may at once.
    private static func rush(_ shares: inout FairShares, by project: ProjectID, bytes: Int = 0) -> Int {
        var taken = 0
        while true {
            let reservation = shares.reserve(for: 0)
            let allowance = reservation.allowance
            let count = min(allowance.capacity, allowance.projects[project] ?? allowance.projectMax)
            shares.confirm(reservation, of: Array(repeating: project, count: count))
            for _ in 0..<count { shares.begin(bytes: bytes, of: project) }
            guard count > 0 else { return taken }
            taken += count
        }
    }

    @Test func `What a project has begun without an answer grows by five hundred a second`() throws {
        let (flood, quiet) = (try Self.project("flood"), try Self.project("quiet"))
        var shares = FairShares(slots: 8192)
        var taken = Self.rush(&shares, by: flood)
        #expect(taken == StartBudget.most && shares.blocked == 1)
        for millisecond: Int64 in 1...1000 {
            shares.advance(to: millisecond)
            taken += Self.rush(&shares, by: flood)
        }
        #expect(taken == StartBudget.most + 500)
        #expect(Self.rush(&shares, by: quiet) == StartBudget.most)
    }

    @Test func `Each answer lets two more begin, so what is answered is not paced`() throws {
        let project = try Self.project("a")
        var shares = FairShares(slots: 8192)
        var inFlight = Self.rush(&shares, by: project)
        // A sixteenth of them is answered, again and again, without a moment's time.
        for _ in 0..<48 {
            shares.settling(Array(repeating: project, count: inFlight / 16))
            shares.settled(inFlight / 16)
            inFlight += Self.rush(&shares, by: project) - inFlight / 16
        }
        #expect(inFlight > 1500)
    }

    @Test func `Time before a project hurries gives it no more than it has at first`() throws {
        let project = try Self.project("a")
        var shares = FairShares(slots: 8192)
        shares.confirm(shares.reserve(for: 0), of: [project])
        shares.advance(to: 60_000)
        #expect(Self.rush(&shares, by: project) == StartBudget.most)
        #expect(Self.rush(&shares, by: project) == 0)
    }

    @Test func `A large body costs as many tokens as it has 16 KiB, and gives back twice as many`() throws {
        let project = try Self.project("a")
        var shares = FairShares(slots: 8192)
        let bytes = 64 << 10
        #expect(Self.rush(&shares, by: project, bytes: bytes) == FairShares.perCallMax, "five tokens each, one call")
        // What it costs beyond what there was at first.
        let debt = Int64(5 * FairShares.perCallMax - StartBudget.most)
        shares.advance(to: debt * StartBudget.tokenMilliseconds)
        #expect(Self.rush(&shares, by: project, bytes: bytes) == 0)
        shares.advance(to: (debt + 1) * StartBudget.tokenMilliseconds)
        #expect(Self.rush(&shares, by: project, bytes: bytes) == 1)
        let ended = Array(repeating: project, count: FairShares.perCallMax)
        shares.settling(ended, bodies: ended.map { (bytes, $0) })
        #expect(Self.rush(&shares, by: project, bytes: bytes) == FairShares.perCallMax)
    }

    @Test func `Events of a project with few tokens stay, what waits is leased`() throws {
        let project = try Self.project("a")
        var shares = FairShares(slots: 8192)
        _ = Self.rush(&shares, by: project)
        shares.advance(to: Int64(StartBudget.fanOutMin - 1) * StartBudget.tokenMilliseconds)
        let fanOut = shares.reserve(for: 0, isFanningOut: true)
        #expect(fanOut.allowance.projects == [project: 0] && fanOut.allowance.paced == [project])
        #expect(fanOut.isAskedAgain && shares.isPacing)
        shares.confirm(fanOut, of: [])
        let lease = shares.reserve(for: 0)
        #expect(lease.allowance.projects == [project: StartBudget.fanOutMin - 1] && lease.allowance.paced.isEmpty)
        shares.confirm(lease, of: [])
        shares.advance(to: Int64(StartBudget.fanOutMin) * StartBudget.tokenMilliseconds)
        let later = shares.reserve(for: 0, isFanningOut: true)
        #expect(later.allowance.projects == [project: StartBudget.fanOutMin] && later.allowance.paced.isEmpty)
    }

    @Test
    func `A shard whose project has no token is asked again after a pause, and another project is served meanwhile`()
        throws
    {
        let (flood, other) = (try Self.project("flood"), try Self.project("other"))
        var shares = FairShares(slots: 8192)
        _ = Self.rush(&shares, by: flood)
        let reservation = shares.reserve(for: 3)
        #expect(reservation.allowance.projects == [flood: 0] && reservation.isAskedAgain && shares.isPacing)
        #expect(reservation.allowance.paced == [flood])
        shares.confirm(reservation, of: [other])
        #expect(shares.next() == nil)
        shares.advance(to: FairShares.pause)
        #expect(shares.nextPaced() + shares.nextPaced() == [0, 3] && !shares.isPacing)
        #expect(
            shares.reserve(for: 3).allowance.projects == [flood: Int(FairShares.pause / StartBudget.tokenMilliseconds)])
    }

    @Test func `All shards that wait for tokens are asked again within 80 ms, whatever others ask meanwhile`() throws {
        let (flood, other) = (try Self.project("flood"), try Self.project("other"))
        var shares = FairShares(slots: 8192)
        _ = Self.rush(&shares, by: flood, bytes: 256 << 10)
        for shard in 1...200 { shares.confirm(shares.reserve(for: shard), of: [other]) }
        var woken: [Int] = []
        for turn: Int64 in 1...8 {
            shares.advance(to: turn * FairShares.pause)
            woken += shares.nextPaced()
            // One that was asked and got nothing again is behind all others.
            for shard in woken.suffix(30) { shares.confirm(shares.reserve(for: shard), of: []) }
        }
        #expect(Set(woken).isSuperset(of: 1...200))
    }

    @Test func `A project counts as held until time has given it a token`() throws {
        let flood = try Self.project("flood")
        var shares = FairShares(slots: 8192)
        _ = Self.rush(&shares, by: flood)
        #expect(shares.blocked == 1)
        shares.advance(to: StartBudget.tokenMilliseconds)
        #expect(shares.blocked == 0)
    }

    @Test func `What is given back twice is counted once`() throws {
        let project = try Self.project("a")
        var shares = FairShares(slots: 10)
        shares.confirm(shares.reserve(for: 0), of: [project])
        shares.hold(bytes: 10, of: project)
        for _ in 0..<3 {
            shares.release([project])
            shares.release(bytes: 10, of: project)
        }
        #expect(shares.used == 0 && shares.bytes == 0 && shares.isIdle)
    }
}
