import Notifier
import Testing

struct SuspectRulesTests {
    private static let now = ContinuousClock.now

    @Test func `A suspect is attempted alone once everything else has ended, and then the others go on`() {
        var rules = SuspectRules()
        #expect((rules.admit(3)) as Bool)
        #expect((rules.requestSolo(at: Self.now) == .waiting) as Bool)
        #expect((rules.isClosed && !rules.admit(1)) as Bool)
        #expect((rules.requestSolo(at: Self.now) == .refused(.zero)) as Bool)
        #expect((!rules.ended(2) && !rules.isSolo) as Bool)
        #expect((rules.ended(1) && rules.isSolo) as Bool, "nothing else is in flight")
        #expect((!rules.admit(1) && rules.requestSolo(at: Self.now) == .refused(.zero)) as Bool)
        rules.soloEnded(at: Self.now)
        #expect((rules.admit(1) && rules.inFlight == 1) as Bool)
    }

    @Test func `What starts beyond what was admitted is in flight too, and is waited for`() {
        var rules = SuspectRules()
        #expect((rules.admit(2) && !rules.ended(-3) && rules.inFlight == 5) as Bool)
        #expect((rules.requestSolo(at: Self.now) == .waiting) as Bool)
        #expect((!rules.ended(4) && rules.ended(1) && rules.isSolo) as Bool)
    }

    @Test func `Where nothing is in flight it starts at once`() {
        var rules = SuspectRules()
        #expect((rules.requestSolo(at: Self.now) == .granted) as Bool)
        #expect((!rules.admit(1)) as Bool)
        rules.soloEnded(at: Self.now)
        #expect((rules.admit(1)) as Bool)
    }

    @Test func `Between two suspects the others have ten times as long as one kept them waiting`() {
        var rules = SuspectRules()
        var now = Self.now
        #expect((rules.requestSolo(at: now) == .granted) as Bool)
        now += .seconds(3)
        rules.soloEnded(at: now)
        #expect((rules.requestSolo(at: now) == .refused(.seconds(30))) as Bool)
        #expect((rules.admit(1) && !rules.ended(1)) as Bool)
        #expect((rules.requestSolo(at: now + .seconds(20)) == .refused(.seconds(10))) as Bool)
        #expect((rules.requestSolo(at: now + .seconds(30)) == .granted) as Bool)
    }

    @Test func `A drain that takes long is given up, and the next may take twice as long`() {
        var rules = SuspectRules()
        var now = Self.now
        #expect((rules.admit(1)) as Bool)
        var drains: [Duration] = []
        for _ in 0..<6 {
            #expect((rules.requestSolo(at: now) == .waiting) as Bool)
            var drain = Duration.zero
            while !rules.expireDrain(at: now + drain) { drain += .seconds(1) }
            drains.append(drain)
            now += drain
            #expect((!rules.isClosed && rules.admit(1) && !rules.ended(1)) as Bool, "the others go on")
            #expect((rules.requestSolo(at: now) == .refused(drain * 10)) as Bool)
            now += drain * 10
        }
        #expect(drains == [5, 10, 20, 40, 60, 60].map { Duration.seconds($0) })
        #expect((rules.requestSolo(at: now) == .waiting && rules.ended(1) && rules.isSolo) as Bool)
        #expect((!rules.expireDrain(at: now + .seconds(600))) as Bool, "what is attempted alone is bounded by itself")
    }

    @Test func `So many suspects of the level before are in flight and no more`() {
        var rules = SuspectRules()
        for _ in 0..<SuspectRules.suspectsMax { #expect((rules.admitSuspect()) as Bool) }
        #expect((!rules.admitSuspect()) as Bool)
        rules.suspectEnded()
        #expect((rules.admitSuspect() && !rules.admitSuspect()) as Bool)
    }

    @Test func `What ends twice is counted once`() {
        var rules = SuspectRules()
        #expect((rules.admit(1)) as Bool)
        for _ in 0..<3 {
            #expect((!rules.ended(1)) as Bool)
            rules.suspectEnded()
        }
        #expect(rules.inFlight == 0)
    }
}
