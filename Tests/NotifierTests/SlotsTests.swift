import Notifier
import Testing

struct SlotsTests {
    @Test func `Slots are given up to the limit, a call's worth at a time`() {
        var ledger = SlotLedger(limit: SlotLedger.perCallMax + 10)
        #expect(ledger.reserve(for: 0) == SlotLedger.perCallMax)
        #expect(ledger.reserve(for: 1) == 10)
        #expect(ledger.reserve(for: 2) == 0)
        #expect(ledger.used == SlotLedger.perCallMax + 10)
        #expect(ledger.release(8, bytes: 0) == 2)
        #expect(ledger.reserve(for: 2, upTo: 3) == 3)
    }

    @Test func `Shards that got nothing are woken in turn, while something is free`() {
        var ledger = SlotLedger(limit: 1)
        #expect(ledger.reserve(for: 7) == 1)
        for shard in [3, 5, 3] { #expect(ledger.reserve(for: shard) == 0) }
        #expect(ledger.next() == nil)
        #expect(ledger.release(1, bytes: 0) == 3)
        #expect(ledger.next() == 5)
        #expect(ledger.next() == nil)
    }

    @Test func `A shard that never rests leaves half of what is free to those that wait, until they have come`() {
        var ledger = SlotLedger(limit: 100)
        #expect(ledger.reserve(for: 0) == 100)
        #expect(ledger.reserve(for: 1) == 0)
        #expect(ledger.release(64, bytes: 0) == 1)
        #expect(ledger.reserve(for: 0) == 32)
        #expect(ledger.reserve(for: 0) == 16)
        #expect(ledger.reserve(for: 1) == 16)
        #expect(ledger.release(64, bytes: 0) == nil)
        #expect(ledger.reserve(for: 0) == 64)
    }

    @Test func `Large bodies fill a notifier before its slots do`() {
        var ledger = SlotLedger(limit: 1000)
        #expect(ledger.reserve(for: 0) == SlotLedger.perCallMax)
        ledger.load(bytes: SlotLedger.bytesMax)
        #expect(ledger.reserve(for: 1) == 0)
        #expect(ledger.release(100, bytes: 1000) == 1)
        #expect(ledger.reserve(for: 1) == SlotLedger.perCallMax)
    }

    @Test func `Giving back more than was taken stops the process`() async {
        await #expect(processExitsWith: .failure) {
            var ledger = SlotLedger(limit: 1)
            _ = ledger.release(1, bytes: 0)
        }
    }
}
