import NIOConcurrencyHelpers
import Runtime
import TestKit
import Testing

/// Work that is done once for all who ask for it.
struct SingleFlightTests {
    @Test func `What is asked at the same time is worked on once, and no more at once than may be`() async {
        let flights = SingleFlight<Int, Int>(runningMax: 1)
        let (gate, open) = AsyncStream<Void>.makeStream()
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let runs = NIOLockedValueBox(0)
        await withTaskGroup(of: Int?.self) { group in
            group.addTask {
                await flights.run(1) {
                    runs.withLockedValue { $0 += 1 }
                    begin.finish()
                    for await _ in gate {}
                    return 7
                }
            }
            for await _ in begun {}
            for _ in 0..<100 { group.addTask { await flights.run(1) { -1 } } }
            #expect(await flights.run(2) { -1 } == nil)
            open.finish()
            for await value in group { #expect(value == 7 || value == -1) }
        }
        #expect(runs.withLockedValue { $0 } == 1)
        #expect(await flights.run(2) { 9 } == 9)
    }
}
