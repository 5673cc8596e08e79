import NIOConcurrencyHelpers
import Runtime
import TestKit
import Testing

/// Work that several wait for.
struct SharedWorkTests {
    /// Work that ends when it is let.
    private final class Work: Sendable {
        let shared = SharedWork<Int>()
        let runs = NIOLockedValueBox(0)
        let mayEnd = AsyncSignal()

        func value(until deadline: ContinuousClock.Instant) async -> Int? {
            await self.shared.value(until: deadline) {
                let run = self.runs.withLockedValue { runs in
                    runs += 1
                    return runs
                }
                _ = await self.mayEnd.wait()
                return run
            }
        }
    }

    private static let late = ContinuousClock.now + .seconds(3600)

    @Test func `One run for all that wait, and another one for those that come later`() async throws {
        let work = Work()
        await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<100 { group.addTask { await work.value(until: Self.late) } }
            let areAll = try? await eventually { work.shared.waiting == 100 ? true : nil }
            #expect(areAll == true)
            work.mayEnd.signal()
            var found: [Int?] = []
            for await value in group { found.append(value) }
            #expect(found == Array(repeating: 1, count: 100))
        }
        work.mayEnd.finish()
        #expect(await work.value(until: Self.late) == 2)
    }

    @Test func `A caller whose time is over has nothing, and those with time left have the value of the work it began`()
        async throws
    {
        let work = Work()
        #expect(await work.value(until: .now) == nil)
        let began = try await eventually { work.runs.withLockedValue { $0 == 1 } ? true : nil }
        #expect(began == true)
        async let waiting = work.value(until: Self.late)
        #expect(await work.value(until: .now + .milliseconds(1)) == nil)
        work.mayEnd.signal()
        #expect(await waiting == 1)
    }
}
