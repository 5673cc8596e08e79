import NIOCore
import Redis
import Testing

struct ConnectionLifeTests {
    let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test func `It connects once, is greeted, breaks, pauses and connects again`() {
        var life = ConnectionLife(patience: .seconds(1))
        #expect(life.begin(at: self.start) == true)
        #expect(life.begin(at: self.start) == false)
        life.greeted(at: self.start + .milliseconds(1))
        #expect(life.isReady)
        #expect(life.broke(at: self.start + .seconds(10), random: 1) == .milliseconds(50))
        #expect(!life.isReady)
        #expect(life.pauseOver() == true)
        #expect(life.pauseOver() == false)
        #expect(life.phase == .connecting)
    }

    @Test func `Failing attempts pause longer and longer`() {
        var life = ConnectionLife(patience: .seconds(1))
        _ = life.begin(at: self.start)
        var pauses: [Int64] = []
        for second in 0..<7 {
            let pause = life.broke(at: self.start + .seconds(Int64(second)), random: 1)
            pauses.append((pause?.nanoseconds ?? 0) / 1_000_000)
            _ = life.pauseOver()
        }
        #expect(pauses == [50, 100, 200, 400, 800, 1_000, 1_000])
    }

    @Test(arguments: [(Int64(999), Int64(100)), (1_000, 50)])
    func `Only a connection that lasted makes the pauses small again`(lastedMs: Int64, pauseMs: Int64) {
        var life = ConnectionLife(patience: .seconds(1))
        _ = life.begin(at: self.start)
        #expect(life.broke(at: self.start, random: 1) == .milliseconds(50))
        _ = life.pauseOver()
        life.greeted(at: self.start)
        #expect(life.broke(at: self.start + .milliseconds(lastedMs), random: 1) == .milliseconds(pauseMs))
    }

    @Test func `Commands may wait until patience has passed since the loss, however often it tries`() {
        var life = ConnectionLife(patience: .seconds(1))
        #expect(life.isWorthWaiting(at: self.start))
        _ = life.begin(at: self.start)
        life.greeted(at: self.start)
        let lost = self.start + .seconds(100)
        #expect(life.isWorthWaiting(at: lost))
        _ = life.broke(at: lost, random: 1)
        #expect(life.isWorthWaiting(at: lost + .seconds(1)))
        _ = life.pauseOver()
        _ = life.broke(at: lost + .milliseconds(900), random: 1)
        #expect(!life.isWorthWaiting(at: lost + .milliseconds(1_001)))
        _ = life.pauseOver()
        life.greeted(at: lost + .seconds(5))
        _ = life.broke(at: lost + .seconds(6), random: 1)
        #expect(life.isWorthWaiting(at: lost + .seconds(7)))
    }

    @Test func `Without a patience commands wait as long as they like`() {
        var life = ConnectionLife(patience: nil)
        _ = life.begin(at: self.start)
        _ = life.broke(at: self.start, random: 1)
        #expect(life.isWorthWaiting(at: self.start + .hours(10)))
    }

    @Test func `After the end nothing begins again`() {
        var life = ConnectionLife(patience: nil)
        _ = life.begin(at: self.start)
        _ = life.broke(at: self.start, random: 1)
        #expect(life.end() == true)
        #expect(life.end() == false)
        #expect(life.pauseOver() == false)
        #expect(life.begin(at: self.start) == false)
        #expect(life.broke(at: self.start, random: 1) == nil)
        #expect(!life.isWorthWaiting(at: self.start))
    }
}
