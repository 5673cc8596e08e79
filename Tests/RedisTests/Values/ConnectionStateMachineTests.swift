import NIOCore
import Redis
import Testing

struct ConnectionStateMachineTests {
    let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test func `It connects once, completes its handshake, fails, pauses and connects again`() {
        var machine = ConnectionStateMachine(waitMax: .seconds(1))
        #expect(machine.begin(at: self.start) == true)
        #expect(machine.begin(at: self.start) == false)
        machine.handshakeCompleted(at: self.start + .milliseconds(1))
        #expect(machine.isReady)
        #expect(machine.failed(at: self.start + .seconds(10), random: 1) == .milliseconds(50))
        #expect(!machine.isReady)
        #expect(machine.pauseOver() == true)
        #expect(machine.pauseOver() == false)
        #expect(machine.state == .connecting)
    }

    @Test func `Failing attempts pause longer and longer`() {
        var machine = ConnectionStateMachine(waitMax: .seconds(1))
        _ = machine.begin(at: self.start)
        var pauses: [Int64] = []
        for second in 0..<7 {
            let pause = machine.failed(at: self.start + .seconds(Int64(second)), random: 1)
            pauses.append((pause?.nanoseconds ?? 0) / 1_000_000)
            _ = machine.pauseOver()
        }
        #expect(pauses == [50, 100, 200, 400, 800, 1_000, 1_000])
    }

    @Test(arguments: [(Int64(999), Int64(100)), (1_000, 50)])
    func `Only a connection that lasted makes the pauses small again`(lastedMs: Int64, pauseMs: Int64) {
        var machine = ConnectionStateMachine(waitMax: .seconds(1))
        _ = machine.begin(at: self.start)
        #expect(machine.failed(at: self.start, random: 1) == .milliseconds(50))
        _ = machine.pauseOver()
        machine.handshakeCompleted(at: self.start)
        #expect(machine.failed(at: self.start + .milliseconds(lastedMs), random: 1) == .milliseconds(pauseMs))
    }

    @Test func `Commands may wait for a bounded time after the loss, however often it tries`() {
        var machine = ConnectionStateMachine(waitMax: .seconds(1))
        #expect(machine.acceptsWaiting(at: self.start))
        _ = machine.begin(at: self.start)
        machine.handshakeCompleted(at: self.start)
        let lost = self.start + .seconds(100)
        #expect(machine.acceptsWaiting(at: lost))
        _ = machine.failed(at: lost, random: 1)
        #expect(machine.acceptsWaiting(at: lost + .seconds(1)))
        _ = machine.pauseOver()
        _ = machine.failed(at: lost + .milliseconds(900), random: 1)
        #expect(!machine.acceptsWaiting(at: lost + .milliseconds(1_001)))
        _ = machine.pauseOver()
        machine.handshakeCompleted(at: lost + .seconds(5))
        _ = machine.failed(at: lost + .seconds(6), random: 1)
        #expect(machine.acceptsWaiting(at: lost + .seconds(7)))
    }

    @Test func `Without a bound commands wait until their own deadlines`() {
        var machine = ConnectionStateMachine(waitMax: nil)
        _ = machine.begin(at: self.start)
        _ = machine.failed(at: self.start, random: 1)
        #expect(machine.acceptsWaiting(at: self.start + .hours(10)))
    }

    @Test func `After the end nothing begins again`() {
        var machine = ConnectionStateMachine(waitMax: nil)
        _ = machine.begin(at: self.start)
        _ = machine.failed(at: self.start, random: 1)
        #expect(machine.end() == true)
        #expect(machine.end() == false)
        #expect(machine.pauseOver() == false)
        #expect(machine.begin(at: self.start) == false)
        #expect(machine.failed(at: self.start, random: 1) == nil)
        #expect(!machine.acceptsWaiting(at: self.start))
    }
}
