import NIOConcurrencyHelpers
import Notifier
import Testing

struct LeasingTurnTests {
    @Test func `It is somebody's until it is passed`() {
        let turn = LeasingTurn()
        #expect(!turn.isTaken)
        #expect(turn.takeIfFree())
        #expect(turn.isTaken && !turn.takeIfFree())
        turn.pass()
        #expect(turn.takeIfFree())
    }

    @Test func `Whoever waits for it gets it, however often another takes it`() async {
        let (turn, isDone) = (LeasingTurn(), NIOLockedValueBox(false))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<1000 {
                    await turn.take()
                    #expect(!turn.takeIfFree())
                    turn.pass()
                }
                isDone.withLockedValue { $0 = true }
            }
            group.addTask {
                while !isDone.withLockedValue({ $0 }) {
                    guard turn.takeIfFree() else { continue }
                    await Task.yield()
                    turn.pass()
                }
            }
        }
        #expect(turn.takeIfFree())
    }

    @Test func `Passing what nobody has stops the process`() async {
        await #expect(processExitsWith: .failure) { LeasingTurn().pass() }
    }
}
