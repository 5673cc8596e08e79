import Notifier
import Testing

struct SuspectRulesTests {
    @Test func `A suspect is attempted alone once everything else has ended, and then the others go on`() {
        var rules = SuspectRules()
        #expect((rules.admit(3)) as Bool)
        #expect((rules.requestSolo() == .waiting) as Bool)
        #expect((rules.isClosed && !rules.admit(1)) as Bool)
        #expect((rules.requestSolo() == .refused) as Bool)
        #expect((!rules.ended(2)) as Bool)
        #expect((rules.ended(1)) as Bool, "nothing else is in flight")
        #expect((!rules.admit(1) && rules.requestSolo() == .refused) as Bool)
        rules.soloEnded()
        #expect((rules.admit(1) && rules.inFlight == 1) as Bool)
    }

    @Test func `Where nothing is in flight it starts at once`() {
        var rules = SuspectRules()
        #expect((rules.requestSolo() == .granted) as Bool)
        #expect((!rules.admit(1)) as Bool)
        rules.soloEnded()
        #expect((rules.admit(1)) as Bool)
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
