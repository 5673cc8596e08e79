import API
import Domain
import Foundation
import Operations
import Redis
import Store
import TestKit
import Testing

/// Requests that wait for messages: `wait` of lists and claims.
struct WaitTests {
    /// What waits, as the requests of clients.
    enum Waiting: String, CaseIterable, Sendable {
        case list, claim

        func begin(_ client: APIClient, queue: String = "q", seconds: Int = 20) async throws -> HTTPReply {
            switch self {
            case .list: try await client.get("/v2/queues/\(queue)/messages?echo=true&wait=\(seconds)")
            case .claim: try await client.post("/v2/queues/\(queue)/claims?limit=1&wait=\(seconds)", nil)
            }
        }

        var found: Int { self == .list ? 200 : 201 }
        var nothing: Int { self == .list ? 200 : 204 }
    }

    /// How often Redis has run scripts.
    private func calls(_ api: RunningAPI) async throws -> Int {
        let text = try await api.redis.command("INFO", "commandstats").text ?? ""
        return text.firstMatch(of: /cmdstat_evalsha:calls=(\d+)/).flatMap { Int($0.output.1) } ?? 0
    }

    /// Returns when so many requests wait, and none looks any more.
    private func until(_ count: Int, wait api: RunningAPI) async throws {
        let isSo = try await eventually { api.waits.count == count ? true : nil }
        #expect(isSo == true, "\(api.waits.count) wait, not \(count)")
        let isCalm = try await eventually { api.admission.busyProjects == 0 ? true : nil }
        #expect(isCalm == true)
    }

    private func bodies(_ reply: HTTPReply) -> [Int] { reply.objects("messages").compactMap { $0["body"] as? Int } }

    @Test func `Redis signals for longer than any request waits`() {
        #expect(QueueSignals.life > .seconds(MessageWait.secondsMax + 5))
    }

    // MARK: What ends a wait

    @Test(arguments: Waiting.allCases, ["there", "not there", "made meanwhile", "deleted meanwhile"])
    func `A post answers what waits, whatever becomes of the queue`(waiting: Waiting, queue: String) async throws {
        try await withAPI(time: .running()) { api async throws in
            let client = api.client()
            if queue != "not there", queue != "made meanwhile" {
                #expect(try await client.put("/v2/queues/q").status == 201)
            }
            async let reply = waiting.begin(client)
            try await self.until(1, wait: api)
            let other = api.client(project: client.project)
            if queue == "deleted meanwhile" { #expect(try await other.delete("/v2/queues/q").status == 204) }
            if queue == "made meanwhile" { #expect(try await other.put("/v2/queues/q").status == 201) }
            _ = try await other.postMessages(["7"], to: "q")
            let answered = try await reply
            #expect(answered.status == waiting.found && self.bodies(answered) == [7])
            #expect(api.waits.count == 0)
        }
    }

    @Test func `What is there already is answered at once`() async throws {
        try await withAPI(time: .running()) { api async throws in
            let client = api.client()
            _ = try await client.postMessages(["1"], to: "q")
            for waiting in Waiting.allCases {
                #expect(try await self.bodies(waiting.begin(client)) == [1])
            }
        }
    }

    @Test func `A list waits for what it lists: messages of others, behind its marker`() async throws {
        try await withAPI(time: .running()) { api async throws in
            let (client, other) = (api.client(), api.client())
            let own = APIClient(caller: other.caller, project: client.project)
            let first = try #require(try await client.postMessages(["1"], to: "q").first?.split(separator: "/").last)
            async let reply = client.get("/v2/queues/q/messages?marker=\(first)&wait=20")
            try await self.until(1, wait: api)
            // Its own message is none for it.
            let same = APIClient(caller: other.caller, project: client.project, client: client.client)
            _ = try await same.postMessages(["2"], to: "q")
            _ = try await own.postMessages(["3"], to: "q")
            #expect(try await self.bodies(reply) == [3])
        }
    }

    @Test(arguments: Waiting.allCases)
    func `A message whose delay passes, or whose claim ends, answers what waits`(waiting: Waiting) async throws {
        try await withAPI(time: .running()) { api async throws in
            let (client, other) = (api.client(), api.client())
            let poster = APIClient(caller: other.caller, project: client.project)
            let queue = QueueAddress(project: try ProjectID(client.project), name: try QueueName("q"))
            // Posted before the wait, and while there is one.
            for isBefore in [true, false] {
                let body = #"{"messages": [{"body": 5, "delay": 1}]}"#
                if isBefore { #expect(try await poster.post("/v2/queues/q/messages", body).status == 201) }
                async let reply = waiting.begin(client)
                // A delay that began before may be over on a busy machine before anything waits.
                if !isBefore {
                    try await self.until(1, wait: api)
                    #expect(try await poster.post("/v2/queues/q/messages", body).status == 201)
                }
                #expect(try await self.bodies(reply) == [5])
                try await api.store.messages.purge(queue)
            }
            // A claim that is released, and one that lapses.
            _ = try await poster.postMessages(["6"], to: "q")
            for isReleased in [true, false] {
                let ttl = isReleased ? 600 : 1
                let claim = try #require(try await api.store.claims.create(queue, limit: 1, ttl: ttl, grace: 60))
                async let reply = waiting.begin(client)
                if isReleased {
                    try await self.until(1, wait: api)
                    try await api.store.claims.release(queue, id: claim.id)
                }
                let answered = try await reply
                #expect(self.bodies(answered) == [6])
                if let claim = answered["Location"] { #expect(try await poster.delete(claim).status == 204) }
            }
        }
    }

    @Test func `Each of several delays wakes a request when it passes`() async throws {
        try await withAPI(time: .running()) { api async throws in
            let project = UUID().uuidString
            try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<3 {
                    group.addTask { try await self.bodies(Waiting.claim.begin(api.client(project: project))) }
                }
                try await self.until(3, wait: api)
                for delay in [2, 1, 3] {
                    let body = #"{"messages": [{"body": \#(delay), "delay": \#(delay)}]}"#
                    #expect(try await api.client(project: project).post("/v2/queues/q/messages", body).status == 201)
                }
                var found: [[Int]] = []
                for try await bodies in group { found.append(bodies) }
                #expect(found.sorted { $0[0] < $1[0] } == [[1], [2], [3]])
            }
        }
    }

    @Test func `A claim that is made, or made shorter, while another waits ends for that one`() async throws {
        try await withAPI(time: .running()) { api async throws in
            let client = api.client()
            let queue = QueueAddress(project: try ProjectID(client.project), name: try QueueName("q"))
            _ = try await client.postMessages(["1"], to: "q")
            let long = try #require(try await api.store.claims.create(queue, limit: 1, ttl: 600, grace: 60))
            async let reply = Waiting.claim.begin(client)
            try await self.until(1, wait: api)
            #expect(try await api.store.claims.update(queue, id: long.id, ttl: 1, grace: 60))
            #expect(try await self.bodies(reply) == [1])
        }
    }

    @Test(arguments: Waiting.allCases)
    func `A wait that finds nothing ends in its time, and a range is kept`(waiting: Waiting) async throws {
        try await withAPI(time: .running()) { api async throws in
            let client = api.client()
            for seconds in [-1, 21, 3600] {
                #expect(try await waiting.begin(client, seconds: seconds).status == 400)
            }
            #expect(try await client.get("/v2/queues/q/messages?wait=soon").status == 400)
            #expect(try await waiting.begin(client, seconds: 0).status == waiting.nothing)
            let reply = try await waiting.begin(client, seconds: 1)
            #expect(reply.status == waiting.nothing && self.bodies(reply).isEmpty && api.waits.count == 0)
        }
    }

    // MARK: Many

    @Test func `One message wakes one of many claims, and several as many`() async throws {
        try await withAPI(time: .running()) { api async throws in
            let project = UUID().uuidString
            try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await self.bodies(Waiting.claim.begin(api.client(project: project))).first
                    }
                }
                try await self.until(20, wait: api)
                let poster = api.client(project: project)
                let before = try await self.calls(api)
                _ = try await poster.postMessages(["0"], to: "q")
                #expect(try await group.next() == .some(.some(0)))
                try await self.until(19, wait: api)
                // The post, the look that found it, and one in vain; some besides are the upkeep of the process.
                let calls = try await self.calls(api) - before
                #expect(calls < 10, "\(calls)")
                _ = try await poster.postMessages((1..<10).map(String.init), to: "q")
                _ = try await poster.postMessages((10..<20).map(String.init), to: "q")
                var found: [Int] = []
                for try await body in group { found += [body].compactMap(\.self) }
                #expect(found.sorted() == Array(1..<20))
            }
        }
    }

    @Test func `A list that shows what is held back is answered by it, and a mixed post by its delay`() async throws {
        try await withAPI(time: .running()) { api async throws in
            let (client, second) = (api.client(), api.client())
            let mixed = #"{"messages": [{"body": 1}, {"body": 2, "delay": 2}]}"#
            async let all = client.get("/v2/queues/q/messages?echo=true&include_delayed=true&wait=20")
            try await self.until(1, wait: api)
            let delayed = #"{"messages": [{"body": 0, "delay": 600}]}"#
            let poster = api.client(project: client.project)
            #expect(try await poster.post("/v2/queues/q/messages", delayed).status == 201)
            #expect(try await self.bodies(all) == [0])
            // Two claims: one gets what is there, the other what comes two seconds later.
            let other = APIClient(caller: second.caller, project: client.project)
            async let one = Waiting.claim.begin(client)
            async let two = Waiting.claim.begin(other)
            try await self.until(2, wait: api)
            #expect(try await poster.post("/v2/queues/q/messages", mixed).status == 201)
            let found = [self.bodies(try await one), self.bodies(try await two)]
            #expect(found.sorted { $0[0] < $1[0] } == [[1], [2]])
        }
    }

    @Test func `A post of another queue wakes nothing, and many lists get the same message`() async throws {
        try await withAPI(time: .running()) { api async throws in
            let project = UUID().uuidString
            try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<20 {
                    group.addTask { try await self.bodies(Waiting.list.begin(api.client(project: project))) }
                }
                try await self.until(20, wait: api)
                let poster = api.client(project: project)
                let before = try await self.calls(api)
                _ = try await poster.postMessages(["9"], to: "other")
                #expect(try await self.calls(api) - before < 10)
                #expect(api.waits.count == 20)
                _ = try await poster.postMessages(["1"], to: "q")
                for try await bodies in group { #expect(bodies == [1]) }
            }
        }
    }

    // MARK: Bounds

    @Test(arguments: Waiting.allCases)
    func `A client that goes away ends its wait, and takes nothing`(waiting: Waiting) async throws {
        try await withAPI(time: .running()) { api async throws in
            let client = api.client()
            async let gone: HTTPReply? = try? waiting.begin(client)
            try await self.until(1, wait: api)
            await client.caller.close()
            _ = await gone
            try await self.until(0, wait: api)
            let other = api.client(project: client.project)
            _ = try await other.postMessages(["1"], to: "q")
            #expect(try await self.bodies(Waiting.claim.begin(other)) == [1])
        }
    }

    @Test func `A request that waits has no turn, and a project has so many that wait`() async throws {
        try await withAPI(admission: ProjectAdmission(requestsMax: 1), waits: QueueWaits(waitsMax: 2), time: .running())
        {
            api async throws in
            let (one, two, three) = (api.client(project: "a"), api.client(project: "a"), api.client(project: "a"))
            async let first = Waiting.list.begin(one)
            async let second = Waiting.claim.begin(two)
            try await self.until(2, wait: api)
            #expect(try await three.get("/v2/queues").status == 200)
            let refused = try await Waiting.list.begin(three)
            #expect(refused.status == 503 && refused["Retry-After"] != nil)
            async let other = Waiting.list.begin(api.client(project: "b"))
            try await self.until(3, wait: api)
            _ = try await three.postMessages(["1", "2"], to: "q")
            #expect(try await first.status == 200)
            #expect(try await second.status == 201)
            _ = try await api.client(project: "b").postMessages(["3"], to: "q")
            #expect(try await self.bodies(other) == [3])
            #expect(api.admission.busyProjects == 0)
        }
    }

    @Test(arguments: Waiting.allCases)
    func `A stop answers what waits with nothing`(waiting: Waiting) async throws {
        try await withAPI(time: .running()) { api async throws in
            async let reply = waiting.begin(api.client())
            try await self.until(1, wait: api)
            await api.stop()
            let answered = try await reply
            #expect(answered.status == waiting.nothing && answered["Connection"] == "close")
        }
    }

    // MARK: Signals that are lost

    @Test func `A message whose signal was lost is found when signals arrive again`() async throws {
        try await withAPI(time: .running()) { api async throws in
            for round in 0..<5 {
                let client = api.client()
                async let reply = Waiting.list.begin(client)
                try await self.until(1, wait: api)
                try await api.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
                _ = try await api.client(project: client.project).postMessages(["\(round)"], to: "q")
                #expect(try await self.bodies(reply) == [round])
            }
        }
    }

    @Test func `A user of Redis who may not publish posts, and a wait finds messages in the end`() async throws {
        try await withAPI(time: .running()) { api async throws in
            try await api.redis.command("ACL", "SETUSER", "default", "resetchannels")
            let client = api.client()
            async let reply = Waiting.list.begin(client, seconds: 2)
            try await self.until(1, wait: api)
            let posted = try await api.client(project: client.project).postMessages(["1"], to: "q")
            #expect(posted.count == 1)
            #expect(try await self.bodies(reply) == [1])
        }
    }
}
