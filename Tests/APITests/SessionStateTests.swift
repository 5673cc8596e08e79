import API
import Domain
import Foundation
import NIOCore
import Operations
import Store
import Testing

/// The life of a connection, without one.
struct SessionStateTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private static let clock = Timestamp(milliseconds: 1_800_000_000_000)

    private var limits: SessionLimits {
        var limits = SessionLimits()
        limits.pingInterval = .seconds(30)
        limits.silenceMax = .seconds(120)
        return limits
    }

    private func state(isAuthenticated: Bool = false) -> SessionState {
        SessionState(self.limits, isAuthenticated: isAuthenticated, at: Self.start)
    }

    private func identity(_ project: String, expiry: Timestamp? = nil) -> Identity {
        Identity(project: project, user: nil, roles: [], expiry: expiry, origin: .none(token: nil))
    }

    private func project(of state: SessionState) -> String? {
        if case .known(let identity) = state.identity.access { return identity.project }
        return nil
    }

    // MARK: - Another look

    private func checked(_ until: NIODeadline, project: String = "p") -> Identity {
        let proof = Identity.Proof(Credentials(method: "GET", path: "/"), until: until)
        return Identity(project: project, user: nil, roles: [], expiry: nil, origin: .token(proof))
    }

    /// A state whose identity is to be looked at again.
    private func dueForCheck() -> (state: SessionState, at: NIODeadline) {
        var state = self.state(isAuthenticated: true)
        _ = state.authenticationBegan()
        let due = Self.start + .seconds(7)
        #expect(state.authenticationEnded(self.checked(due), at: Self.start) == .none)
        #expect(state.delay(at: Self.start, clock: Self.clock) == .seconds(7))
        #expect(state.timePassed(at: due - .nanoseconds(1), clock: Self.clock) == .none)
        #expect(state.timePassed(at: due, clock: Self.clock) == .check)
        return (state, due)
    }

    @Test func `An identity that still holds is looked at once, and again when that is due`() throws {
        var (state, now) = self.dueForCheck()
        let due = state.identityCheck(at: now)
        let check = try #require(due)
        let second = state.identityCheck(at: now)
        #expect(second == nil && state.timePassed(at: now, clock: Self.clock) == .none)
        let next = now + .seconds(9)
        #expect(state.identityChecked(check, .success(self.checked(next, project: "q")), at: now) == .none)
        #expect(self.project(of: state) == "q")
        #expect(state.timePassed(at: next - .nanoseconds(1), clock: Self.clock) == .none)
        #expect(state.timePassed(at: next, clock: Self.clock) == .check)
    }

    @Test func `An identity that holds no more ends the connection`() throws {
        var (state, now) = self.dueForCheck()
        let due = state.identityCheck(at: now)
        let check = try #require(due)
        let refused = AuthenticationError.unauthenticated(challenge: "")
        #expect(
            state.identityChecked(check, .failure(refused), at: now)
                == .close(.authenticationExpired, "Authentication expired."))
        #expect(self.project(of: state) == nil)
    }

    @Test func `Where nothing can be said the identity stays, and is looked at a while later`() throws {
        var (state, now) = self.dueForCheck()
        let due = state.identityCheck(at: now)
        let check = try #require(due)
        #expect(state.identityChecked(check, .failure(.unavailable(retryAfter: 5)), at: now) == .none)
        #expect(self.project(of: state) == "p")
        #expect(state.timePassed(at: now + .seconds(9), clock: Self.clock) == .none)
        #expect(state.timePassed(at: now + .seconds(10), clock: Self.clock) == .check)
    }

    @Test func `With subscriptions an identity of another project ends the connection, one of the same does not`() {
        for (project, hasSubscribed) in [("p", true), ("q", false), ("q", true)] {
            var state = self.state(isAuthenticated: true)
            for (next, isFirst) in [("p", true), (project, false)] {
                _ = state.authenticationBegan()
                let action = state.authenticationEnded(
                    self.identity(next), hasSubscribed: hasSubscribed && !isFirst, at: Self.start)
                let ends = !isFirst && hasSubscribed && project == "q"
                #expect(
                    action
                        == (ends
                            ? .close(.restart, "Subscribe as the other caller on another connection.") : .none))
            }
            #expect(self.project(of: state) == project)
        }
    }

    @Test func `A look at an identity that was replaced says nothing`() throws {
        var (state, now) = self.dueForCheck()
        let due = state.identityCheck(at: now)
        let check = try #require(due)
        _ = state.authenticationBegan()
        #expect(state.authenticationEnded(self.identity("new"), at: now) == .none)
        #expect(
            state.identityChecked(check, .failure(.unauthenticated(challenge: "")), at: now) == .none)
        #expect(self.project(of: state) == "new")
    }

    @Test func `One request is taken at a time`() {
        var state = self.state()
        #expect(state.readsFrames)
        state.requestBegan()
        #expect(!state.readsFrames && state.isOpen)
        #expect(state.answered(isSigned: false, at: Self.start) == .none)
        #expect(state.readsFrames)
    }

    @Test func `A stop waits for the answer, and a client that does not close is not waited for`() {
        var idle = self.state()
        #expect(idle.stop(at: Self.start) == .close(.restart, "The server stops."))
        #expect(!idle.isOpen && idle.readsFrames)
        var busy = self.state()
        busy.requestBegan()
        #expect(busy.stop(at: Self.start) == .none)
        #expect(busy.isOpen)
        let answered = Self.start + .seconds(3)
        #expect(busy.answered(isSigned: false, at: answered) == .close(.restart, "The server stops."))
        #expect(busy.delay(at: answered, clock: Self.clock) == self.limits.stopCloseMax)
        let last = answered + self.limits.stopCloseMax
        #expect(busy.timePassed(at: last - .nanoseconds(1), clock: Self.clock) == .none)
        #expect(busy.timePassed(at: last, clock: Self.clock) == .end)
        #expect(busy.timePassed(at: last, clock: Self.clock) == .none)
        #expect(busy.delay(at: last, clock: Self.clock) == nil)
    }

    @Test func `A close of the client is answered once, and its answer to ours ends the connection`() {
        var state = self.state()
        #expect(state.closeArrived(.normal) == .acknowledge(.normal))
        #expect(!state.readsFrames)
        #expect(state.closeArrived(.normal) == .none)
        #expect(state.ended() == .none)
        var failed = self.state()
        #expect(failed.failed(.unmasked, at: Self.start) == .close(.protocolError, FrameFault.unmasked.reason))
        #expect(failed.failed(.reservedBits, at: Self.start) == .none)
        #expect(failed.overloaded("x", at: Self.start) == .none)
        #expect(failed.delay(at: Self.start, clock: Self.clock) == self.limits.closeMax)
        #expect(failed.closeArrived(nil) == .end)
        var gone = self.state()
        #expect(gone.ended() == .end)
        #expect(gone.ended() == .none)
        #expect(!gone.isOpen)
    }

    @Test func `A silent client is pinged, and dropped when nothing comes for long`() {
        var state = self.state()
        #expect(state.delay(at: Self.start, clock: Self.clock) == .seconds(30))
        var now = Self.start + .seconds(30)
        #expect(state.timePassed(at: now, clock: Self.clock) == .ping)
        #expect(state.timePassed(at: now, clock: Self.clock) == .none)
        state.heard(at: now)
        for _ in 0..<3 {
            now = now + .seconds(30)
            #expect(state.timePassed(at: now, clock: Self.clock) == .ping)
        }
        #expect(state.delay(at: now, clock: Self.clock) == .seconds(30))
        #expect(state.timePassed(at: now + .seconds(30), clock: Self.clock) == .end)
    }

    @Test func `A message that does not arrive in time ends its connection, however often something of it comes`() {
        var state = self.state()
        state.messagePending(true, at: Self.start)
        for second in stride(from: Int64(10), to: 60, by: 10) {
            let now = Self.start + .seconds(second)
            state.heard(at: now)
            state.messagePending(true, at: now)
            let action = state.timePassed(at: now, clock: Self.clock)
            #expect(action == .none || action == .ping)
        }
        var whole = state
        whole.messagePending(false, at: Self.start + .seconds(55))
        let kept = whole.timePassed(at: Self.start + .seconds(60), clock: Self.clock)
        #expect(kept == .none || kept == .ping)
        let ended = state.timePassed(at: Self.start + .seconds(60), clock: Self.clock)
        #expect(ended == .close(.overloaded, "The message does not arrive in time."))
    }

    @Test func `While a request is carried out the client cannot be heard, and silence does not count`() {
        var state = self.state()
        state.requestBegan()
        let late = Self.start + .seconds(1000)
        #expect(state.timePassed(at: late, clock: Self.clock) == .none)
        #expect(state.answered(isSigned: false, at: late) == .none)
        #expect(state.timePassed(at: late, clock: Self.clock) == .ping)
    }

    @Test func `An identity is established, kept when another is refused, and replaced with its expiry (W-23)`() {
        var state = self.state(isAuthenticated: true)
        let isBegun = state.authenticationBegan()
        #expect(isBegun)
        if case .validating = state.identity.access {} else { Issue.record("it is not being established") }
        let isBegunTwice = state.authenticationBegan()
        #expect(!isBegunTwice, "one at a time")
        #expect(state.authenticationEnded(nil, at: Self.start) == .none)
        let isBegunAgain = state.authenticationBegan()
        #expect(isBegunAgain)
        let first = Self.clock.adding(seconds: 10)
        _ = state.authenticationEnded(self.identity("one", expiry: first), at: Self.start)
        #expect(self.project(of: state) == "one")
        #expect(state.delay(at: Self.start, clock: Self.clock) == .seconds(10))
        _ = state.authenticationBegan()
        #expect(self.project(of: state) == "one", "the old one counts meanwhile")
        _ = state.authenticationEnded(nil, at: Self.start)
        #expect(self.project(of: state) == "one")
        _ = state.authenticationBegan()
        let second = Self.clock.adding(seconds: 25)
        _ = state.authenticationEnded(self.identity("two", expiry: second), at: Self.start)
        #expect(self.project(of: state) == "two")
        #expect(state.timePassed(at: Self.start, clock: first) == .none, "the first expiry is gone")
        #expect(
            state.timePassed(at: Self.start, clock: second) == .close(.authenticationExpired, "Authentication expired.")
        )
        #expect(self.project(of: state) == nil)
    }

    @Test func `An expiry of any moment is no trap`() {
        for milliseconds in [Int64.min, -1, 0, Self.clock.milliseconds, .max] {
            var state = self.state(isAuthenticated: true)
            _ = state.authenticationBegan()
            _ = state.authenticationEnded(
                self.identity("p", expiry: Timestamp(milliseconds: milliseconds)), at: Self.start)
            #expect(state.delay(at: Self.start, clock: Self.clock) ?? .zero > .zero)
            let isOver = state.timePassed(at: Self.start, clock: Self.clock) != .none
            #expect(isOver == (milliseconds <= Self.clock.milliseconds))
        }
    }

    @Test func `A connection without an identity ends, later where signed requests are made`() {
        var state = self.state(isAuthenticated: true)
        let limit = TimeAmount.seconds(30)
        #expect(state.delay(at: Self.start, clock: Self.clock) == limit)
        state.requestBegan()
        let signed = Self.start + .seconds(20)
        _ = state.answered(isSigned: true, at: signed)
        #expect(state.timePassed(at: Self.start + limit, clock: Self.clock) == .ping)
        #expect(
            state.timePassed(at: signed + limit, clock: Self.clock)
                == .close(.authenticationExpired, "Not authenticated in time."))
        var trusted = self.state()
        #expect(trusted.timePassed(at: Self.start + limit, clock: Self.clock) == .ping)
    }

    @Test func `A stop waits for an identity that is being established`() {
        var state = self.state(isAuthenticated: true)
        _ = state.authenticationBegan()
        #expect(state.stop(at: Self.start) == .none)
        #expect(
            state.authenticationEnded(self.identity("p"), at: Self.start) == .close(.restart, "The server stops."))
    }
}

struct OutboxTests {
    private func frame(_ count: Int) -> ByteBuffer { ByteBuffer(repeating: 1, count: count) }

    @Test func `Frames leave in their order, within bounds of number and bytes`() {
        var outbox = Outbox(framesMax: 3, bytesMax: 10)
        #expect(outbox.offer(self.frame(4)) == .taken(isFirst: true))
        #expect(outbox.offer(self.frame(5)) == .taken(isFirst: false))
        #expect(outbox.offer(self.frame(2)) == .full)
        #expect(outbox.bytes == 9)
        #expect(outbox.offer(self.frame(1)) == .taken(isFirst: false))
        #expect(outbox.offer(self.frame(0)) == .full, "three frames")
        for count in [4, 5, 1, nil] { #expect(outbox.take()?.readableBytes == count) }
        #expect(outbox.bytes == 0)
        #expect(outbox.offer(self.frame(100)) == .taken(isFirst: true), "a single one always fits")
    }

    @Test func `What is followed is taken while little waits, and never in the place of notifications`() {
        var few = Outbox(framesMax: 4, bytesMax: 1000)
        #expect(few.offerFollowed(self.frame(10)) == .taken(isFirst: true))
        #expect(few.offerFollowed(self.frame(10)) == .taken(isFirst: false))
        #expect(few.offerFollowed(self.frame(0)) == .full, "half of the frames")
        #expect(few.offer(self.frame(10)) == .taken(isFirst: false) && !few.isEmpty)
        while few.take() != nil {}
        #expect(few.isEmpty && few.offerFollowed(self.frame(2000)) == .taken(isFirst: true), "a single one always fits")
        var large = Outbox(framesMax: 1000, bytesMax: 8 << 20)
        _ = large.offer(self.frame(1))
        #expect(large.offerFollowed(self.frame(64 << 10)) == .full)
        #expect(large.offerFollowed(self.frame(60 << 10)) == .taken(isFirst: false))
        large.end(with: nil, dropsRest: true)
        #expect(large.offerFollowed(self.frame(1)) == .over)
    }

    @Test func `While a request is answered nothing leaves`() {
        var outbox = Outbox(framesMax: 3, bytesMax: 10)
        outbox.hold()
        #expect(outbox.offer(self.frame(1)) == .taken(isFirst: true))
        #expect(outbox.take() == nil)
        outbox.release()
        #expect(outbox.take()?.readableBytes == 1)
    }

    @Test func `A last frame follows what waits, or takes its place`() {
        for dropsRest in [false, true] {
            var outbox = Outbox(framesMax: 1, bytesMax: 1)
            outbox.hold()
            _ = outbox.offer(self.frame(1))
            outbox.end(with: self.frame(7), dropsRest: dropsRest)
            #expect(outbox.isOver)
            #expect(outbox.offer(self.frame(1)) == .over)
            if !dropsRest { #expect(outbox.take()?.readableBytes == 1) }
            #expect(outbox.take()?.readableBytes == 7)
            #expect(outbox.take() == nil)
            #expect(outbox.bytes == 0)
        }
    }
}

struct FollowProgressTests {
    private func part(_ numbers: ClosedRange<Int64>) throws -> FollowedEvents {
        let id = try #require(MessageID(String(repeating: "0", count: MessageID.characters)))
        return FollowedEvents(
            events: numbers.map { (.gap($0...$0), QueuePlace(id: id, sequence: $0)) },
            place: QueuePlace(id: id, sequence: 100))
    }

    private func number(_ progress: FollowProgress) -> Int64? {
        guard case .behind(let place) = progress.start else { return nil }
        return place.sequence
    }

    @Test func `A follower goes on behind what was taken, and reads no more than is taken`() throws {
        var progress = FollowProgress(from: .oldest)
        #expect(progress.limit == 20)
        progress.advance(past: try self.part(1...10), taken: 0)
        #expect(progress.start == .oldest && progress.limit == 1)
        progress.advance(past: try self.part(1...1), taken: 1)
        #expect(self.number(progress) == 100 && progress.limit == 2)
        progress.advance(past: try self.part(3...10), taken: 5)
        #expect(self.number(progress) == 7 && progress.limit == 5)
        for limit in [10, 20, 20] {
            progress.advance(past: try self.part(8...9), taken: 2)
            #expect(progress.limit == limit)
        }
    }
}

struct SessionIDTests {
    @Test func `An id is a UUID of version 4, and is read from its text`() throws {
        for _ in 0..<100 {
            let id = SessionID()
            let text = "\(id)"
            #expect(UUID(uuidString: text)?.uuidString.lowercased() == text)
            #expect(text.dropFirst(14).first == "4" && "89ab".contains(text.dropFirst(19).prefix(1)))
            #expect(SessionID(text) == id)
        }
        for text in [
            "", "3381af92-2b9e-41e3-b191-71861300734", "3381af92-2b9e-41e3-b191-71861300734cc",
            "3381AF92-2b9e-41e3-b191-71861300734c", "3381af9202b9e-41e3-b191-71861300734c",
            "3381af92-2b9e-41e3-b191-71861300734g",
            "éé81af92-2b9e-41e3-b191-718613007c",
        ] {
            #expect(SessionID(text) == nil, "\(text)")
        }
    }
}
