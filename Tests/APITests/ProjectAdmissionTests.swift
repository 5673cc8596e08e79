import Domain
import NIOCore
import Operations
import TestKit
import Testing

/// What one project has under way at once.
struct ProjectAdmissionTests {
    private let start = NIODeadline.uptimeNanoseconds(1)
    private let project: ProjectID
    private let other: ProjectID

    init() throws {
        self.project = try ProjectID("a")
        self.other = try ProjectID("b")
    }

    private func queues(runningMax: Int = 2) -> ProjectQueues<Int> {
        ProjectQueues(runningMax: runningMax, waitMax: .seconds(4))
    }

    @Test func `What a project has under way is bounded, and no other project notices`() {
        var queues = self.queues()
        let entered = (0..<3).map { _ in queues.enter(self.project) }
        #expect(entered == [true, true, false])
        let otherEntered = queues.enter(self.other)
        #expect(otherEntered)
    }

    @Test func `What waits runs in the order in which it came, one for each that ends`() {
        var queues = self.queues(runningMax: 1)
        _ = queues.enter(self.project)
        for waiter in 1...3 { queues.wait(waiter, of: self.project, at: self.start) }
        for waiter in 1...3 {
            let (refused, next) = queues.leave(self.project, at: self.start)
            #expect(refused.isEmpty && next == waiter)
        }
        // The last one still runs.
        let another = queues.enter(self.project)
        #expect(!another)
        let (_, next) = queues.leave(self.project, at: self.start)
        #expect(next == nil && queues.count == 0)
    }

    @Test func `What waited for too long is refused, and the next one runs`() {
        var queues = self.queues(runningMax: 1)
        _ = queues.enter(self.project)
        queues.wait(1, of: self.project, at: self.start)
        queues.wait(2, of: self.project, at: self.start)
        queues.wait(3, of: self.project, at: self.start + .seconds(1))
        let (refused, next) = queues.leave(self.project, at: self.start + .seconds(4))
        #expect(refused == [1, 2] && next == 3)
        let (_, last) = queues.leave(self.project, at: self.start + .seconds(4))
        #expect(last == nil && queues.count == 0)
    }

    @Test func `What waits is refused in its time, however long those before it take`() {
        var queues = self.queues(runningMax: 1)
        _ = queues.enter(self.project)
        queues.wait(1, of: self.project, at: self.start)
        queues.wait(2, of: self.project, at: self.start + .seconds(1))
        let early = queues.overdue(at: self.start + .seconds(3))
        let late = queues.overdue(at: self.start + .seconds(4))
        #expect(early.isEmpty && late == [1])
        let (_, next) = queues.leave(self.project, at: self.start + .seconds(4))
        #expect(next == 2)
    }

    @Test func `A project with nothing under way takes no memory`() throws {
        var queues = self.queues()
        for number in 0..<1_000 {
            let project = try ProjectID("p\(number)")
            _ = queues.enter(project)
            _ = queues.leave(project, at: self.start)
        }
        #expect(queues.count == 0)
    }

    @Test func `A request beyond the bound is carried out when an earlier one ends, and others at once`() async throws {
        let admission = ProjectAdmission(requestsMax: 1)
        try await withAPI(admission: admission) { api async throws in
            let client = api.client(project: "a")
            // The one request that may be under way.
            let turn = try await admission.enter(self.project)
            async let waiting = client.get("/v2/queues")
            // Of another project: it is answered while the first one waits.
            #expect(try await api.client(project: "b").get("/v2/queues").status == 200)
            turn.leave()
            #expect(try await waiting.status == 200)
        }
    }

    @Test func `A request whose body is not there yet has no turn`() async throws {
        let admission = ProjectAdmission(requestsMax: 1)
        try await withAPI(admission: admission) { api async throws in
            let slow = HTTPCaller(api.address)
            async let unfinished = slow.send(
                raw: "POST /v2/queues/q/messages HTTP/1.1\r\nHost: x\r\nX-Project-Id: a\r\n"
                    + "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c\r\nContent-Length: 100\r\n\r\n{")
            #expect(try await api.client(project: "a").get("/v2/queues").status == 200)
            await slow.close()
            // It is never answered.
            _ = try? await unfinished
        }
    }
}
