import HTTPServer
import NIOCore
import Testing

/// The decisions about a connection, without one.
struct ConnectionStateTests {
    private let limits = HTTPLimits()
    private let start = NIODeadline.uptimeNanoseconds(1)

    private func request(
        hasBody: Bool = false, keeps: Bool = true, isHTTP10: Bool = false, awaitsContinue: Bool = false
    ) -> ConnectionState {
        var state = ConnectionState(at: self.start)
        state.headArrived(true, at: self.start)
        state.headEnded(
            hasBody: hasBody, keepsConnection: keeps, isHTTP10: isHTTP10, awaitsContinue: awaitsContinue, at: self.start
        )
        return state
    }

    @Test func `Nothing is read behind a request until its answer is written`() {
        var state = self.request()
        #expect(state.step == .wait)
        let field = state.answered(isLast: false, at: self.start)
        #expect(field == .none && state.step == .wait)
        let action = state.written(hasInput: true, at: self.start)
        #expect(action == .advance && state.step == .parseHead)
    }

    @Test func `A body is read when it is wanted, and dropped when it is not`() {
        var wanted = self.request(hasBody: true)
        #expect(wanted.step == .wait)
        let awaitsContinue = wanted.bodyWanted(at: self.start)
        #expect(!awaitsContinue && wanted.step == .parseBody)
        let end = wanted.bodyEnded(at: self.start)
        #expect(end == .none && wanted.step == .wait)

        var refused = self.request(hasBody: true)
        let field = refused.answered(isLast: false, at: self.start)
        #expect(field == .none && refused.step == .parseBody)
        let written = refused.written(hasInput: true, at: self.start)
        #expect(written == .advance && refused.phase == .request)
        let over = refused.bodyEnded(at: self.start)
        #expect(over == .advance && refused.phase == .idle)
    }

    @Test func `The last answer is followed by a close, or by a shutdown where the peer may be sending`() {
        var closing = self.request(keeps: false)
        let field = closing.answered(isLast: false, at: self.start)
        let closed = closing.written(hasInput: false, at: self.start)
        #expect(field == .close && closed == .close)

        var sending = self.request(hasBody: true)
        _ = sending.answered(isLast: true, at: self.start)
        #expect(sending.step == .wait)
        let shut = sending.written(hasInput: false, at: self.start)
        #expect(shut == .shutOutput && sending.step == .drop)
        let some = sending.bytesPassed(self.limits.discardedBytesMax, self.limits)
        let tooMany = sending.bytesPassed(1, self.limits)
        #expect(some == .none && tooMany == .close)

        var pipelining = self.request(keeps: false)
        _ = pipelining.answered(isLast: false, at: self.start)
        let behind = pipelining.written(hasInput: true, at: self.start)
        #expect(behind == .shutOutput)
    }

    @Test func `HTTP-1-0 is answered with what it asks for`() {
        var kept = self.request(isHTTP10: true)
        let field = kept.answered(isLast: false, at: self.start)
        var stream = self.request(isHTTP10: true)
        let isChunked = stream.streamBegan()
        let last = stream.answered(isLast: false, at: self.start)
        #expect(field == .keepAlive && !isChunked && last == .close)
    }

    @Test func `A body that was not asked for ends the connection when its sender waits for a 100`() {
        var wanted = self.request(hasBody: true, awaitsContinue: true)
        let awaitsContinue = wanted.bodyWanted(at: self.start)
        _ = wanted.bodyEnded(at: self.start)
        let kept = wanted.answered(isLast: false, at: self.start)
        #expect(awaitsContinue && kept == .none)
        var refused = self.request(hasBody: true, awaitsContinue: true)
        let last = refused.answered(isLast: false, at: self.start)
        #expect(last == .close)
    }

    @Test func `A stop ends what is idle at once, and the rest with its answer`() {
        var idle = ConnectionState(at: self.start)
        let atOnce = idle.stop(at: self.start)
        #expect(atOnce == .close)
        var busy = self.request()
        let later = busy.stop(at: self.start)
        let field = busy.answered(isLast: false, at: self.start)
        #expect(later == .none && field == .close)
        var head = ConnectionState(at: self.start)
        head.headArrived(true, at: self.start)
        let begun = head.stop(at: self.start)
        let end = head.timePassed(unwritten: 0, written: 0, at: self.start + .seconds(2), self.limits)
        #expect(begun == .none && end == .refuse(.tooSlow))
    }

    @Test func `A body and an answer need a pace, and nothing is asked of a responder`() {
        let (soon, late) = (self.start + .seconds(21), self.start + .seconds(200))
        var body = self.request(hasBody: true)
        _ = body.bodyWanted(at: self.start)
        let begun = body.timePassed(unwritten: 0, written: 0, at: self.start + .seconds(20), self.limits)
        var still = body
        let silent = still.timePassed(unwritten: 0, written: 0, at: soon, self.limits)
        _ = body.bytesPassed(100_000, self.limits)
        let moving = body.timePassed(unwritten: 0, written: 0, at: soon, self.limits)
        // What came quickly at first buys no pause.
        let slow = body.timePassed(unwritten: 0, written: 0, at: soon + .seconds(21), self.limits)
        #expect(begun == .none && silent == .refuse(.tooSlow) && moving == .none && slow == .refuse(.tooSlow))

        var answer = self.request()
        let working = answer.timePassed(unwritten: 0, written: 0, at: late, self.limits)
        _ = answer.answered(isLast: false, at: self.start)
        let read = answer.timePassed(unwritten: 1, written: 20_000, at: soon, self.limits)
        let unread = answer.timePassed(unwritten: 1, written: 20_100, at: late, self.limits)
        #expect(working == .none && read == .none && unread == .close)
    }

    @Test func `What arrives below the pace of a body is slow, and nothing else`() {
        let later = self.start + .seconds(2)
        let idle = ConnectionState(at: self.start)
        #expect(idle.slowTime(at: later, self.limits) == nil)
        var head = idle
        head.headArrived(true, at: self.start)
        #expect(head.slowTime(at: later, self.limits) == .seconds(2))
        var body = self.request(hasBody: true)
        #expect(body.slowTime(at: later, self.limits) == nil, "its responder has not asked for it")
        _ = body.bodyWanted(at: self.start)
        _ = body.bytesPassed(1_000, self.limits)
        #expect(body.slowTime(at: later, self.limits) == .seconds(2))
        _ = body.bytesPassed(100, self.limits)
        #expect(body.slowTime(at: later, self.limits) == nil)
        #expect(self.request().slowTime(at: later, self.limits) == nil)
    }

    @Test func `What is left of a request that was answered arrives slowly, too`() {
        let later = self.start + .seconds(2)
        var dropping = self.request(hasBody: true)
        _ = dropping.answered(isLast: false, at: self.start)
        #expect(dropping.slowTime(at: later, self.limits) == nil, "its answer is on its way")
        _ = dropping.written(hasInput: false, at: self.start)
        #expect(dropping.slowTime(at: later, self.limits) == .seconds(2))
        var closing = self.request(hasBody: true)
        _ = closing.answered(isLast: true, at: self.start)
        _ = closing.written(hasInput: true, at: self.start)
        #expect(closing.phase == .closing && closing.slowTime(at: later, self.limits) == .seconds(2))
    }

    @Test func `A second fault, or one behind an answer, is not answered again`() {
        var dropping = self.request(hasBody: true)
        _ = dropping.answered(isLast: false, at: self.start)
        var unwritten = dropping
        let first = unwritten.refused(at: self.start)
        let then = unwritten.written(hasInput: true, at: self.start)
        #expect(first == ConnectionState.Action.none && then == .shutOutput)
        let written = dropping.written(hasInput: false, at: self.start)
        let second = dropping.refused(at: self.start)
        #expect(written == .advance && second == .shutOutput)
        var head = ConnectionState(at: self.start)
        head.headArrived(true, at: self.start)
        let refusal = head.refused(at: self.start)
        let field = head.answered(isLast: false, at: self.start)
        #expect(refusal == nil && field == .close)
    }

    @Test func `An empty line, or the header of a proxy, makes no head of a connection that is idle`() {
        var state = ConnectionState(at: self.start)
        state.headArrived(true, at: self.start)
        #expect(!state.isIdle)
        state.headArrived(false, at: self.start)
        #expect(state.isIdle)
        let later = state.timePassed(unwritten: 0, written: 0, at: self.start + .seconds(30), self.limits)
        #expect(later == .none)
    }

    @Test func `A peer has stood still since it last took something`() {
        var progress = AnswerProgress(of: 100, at: self.start)
        progress.noted(unwritten: 100, at: self.start + .seconds(2))
        #expect(progress.taken == 0 && progress.stalledTime(at: self.start + .seconds(3)) == .seconds(3))
        progress.noted(unwritten: 40, at: self.start + .seconds(4))
        progress.noted(unwritten: 40, at: self.start + .seconds(5))
        #expect(progress.taken == 60 && progress.stalledTime(at: self.start + .seconds(6)) == .seconds(2))
        // A part behind it is nothing that was taken.
        progress.add(50)
        progress.noted(unwritten: 90, at: self.start + .seconds(7))
        #expect(progress.taken == 60 && progress.stalledTime(at: self.start + .seconds(8)) == .seconds(4))
    }

    @Test func `Of input that never becomes empty nothing is kept that was read`() {
        var input = InputBuffer()
        input.append(ByteBuffer(string: "a"))
        for _ in 0..<1000 {
            input.append(ByteBuffer(repeating: 97, count: 10_000))
            input.bytes.moveReaderIndex(forwardBy: 10_000)
        }
        #expect(input.count == 1 && input.bytes.capacity < 100_000)
    }
}
