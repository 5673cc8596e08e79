import API
import Domain
import Foundation
import Operations
import Redis
import Store
import TestKit
import Testing

/// Messages as server-sent events.
struct StreamTests {
    private let path = "/v2/queues/q/stream"

    private func body(_ event: EventSource.Event?) -> Int? {
        let object = event.flatMap { try? JSONSerialization.jsonObject(with: Data($0.text.utf8)) } as? [String: Any]
        return object?["body"] as? Int
    }

    private func bodies(_ source: EventSource, _ count: Int) async throws -> [Int?] {
        var bodies: [Int?] = []
        for _ in 0..<count { bodies.append(self.body(try await source.next())) }
        return bodies
    }

    /// Opens a stream that has begun: what is posted from here on comes.
    private func open(
        _ api: RunningAPI, _ client: APIClient, query: String = "", headers: [(String, String)] = []
    ) async throws -> EventSource {
        let source = try await EventSource.open(api.address, self.path + query, headers: client.headers + headers)
        let head = try await source.head()
        #expect(head.hasPrefix("HTTP/1.1 200 ") && head.contains("Content-Type: text/event-stream"), "\(head)")
        return source
    }

    @Test func `Messages come as they are posted, each with its number and its place`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let source = try await self.open(api, client)
            let begun = try #require(try await source.next())
            #expect(begun.data.isEmpty && begun.id != nil)
            let ids = try await client.postMessages(["1", "{\n \"a\":\r\n 2}", "3"], to: "q")
            var events: [EventSource.Event] = []
            for _ in 0..<3 { events.append(try #require(try await source.next())) }
            #expect(events.allSatisfy { $0.name == "message" })
            for (number, event) in events.enumerated() {
                let object = try #require(
                    try JSONSerialization.jsonObject(with: Data(event.text.utf8)) as? [String: Any])
                #expect(Set(object.keys) == ["id", "href", "ttl", "age", "body", "sequence"])
                #expect(object["href"] as? String == ids[number] && object["sequence"] as? Int == number + 1)
                #expect(event.id == "\(object["id"] as? String ?? "").\(number + 1)")
            }
            #expect(events[1].data.count == 3)
            // Claimed, delayed and one's own: a stream takes nothing, and leaves out nothing.
            #expect(try await client.post("/v2/queues/q/claims", nil).status == 201)
            let delayed = try await client.post(
                "/v2/queues/q/messages", #"{"messages": [{"body": 4, "delay": 600}]}"#)
            #expect(delayed.status == 201)
            #expect(try await self.body(source.next()) == 4)
            await source.close()
        }
    }

    @Test func `A stream begins now, with the oldest, or behind a message`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let ids = try await client.postMessages(["1", "2", "3"], to: "q")
            let second = try #require(ids[1].split(separator: "/").last)
            for (query, expected) in [
                ("?from=oldest", [1, 2, 3]), ("?from=\(second)", [3]), ("?from=\(second).2", [3]),
            ] {
                let source = try await self.open(api, client, query: query)
                #expect(try await self.bodies(source, expected.count) == expected, "\(query)")
                await source.close()
            }
            let now = try await self.open(api, client, query: "?from=now")
            _ = try await now.next()
            _ = try await client.postMessages(["4"], to: "q")
            #expect(try await self.body(now.next()) == 4)
            await now.close()
            // What a client has read counts more than where it began.
            let resumed = try await self.open(
                api, client, query: "?from=oldest", headers: [("Last-Event-ID", "\(second).2")])
            #expect(try await self.bodies(resumed, 2) == [3, 4])
            await resumed.close()
            for from in ["yesterday", "\(second).x", "\(second).-1", "06a4k1zzzzzzzzzzzzzzzzzzzz"] {
                #expect(try await client.get("\(self.path)?from=\(from)").status == 400, "\(from)")
            }
        }
    }

    @Test func `What others took is a gap, and a queue that was made anew says so`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let source = try await self.open(api, client)
            let begun = try #require(try await source.next()?.id)
            await source.close()
            _ = try await client.postMessages((1...6).map(String.init), to: "q")
            _ = try await client.delete("/v2/queues/q/messages?pop=3")
            let resumed = try await self.open(api, client, headers: [("Last-Event-ID", begun)])
            let gap = try #require(try await resumed.next())
            #expect(gap.name == "gap" && gap.text == #"{"from":1,"to":3}"#)
            #expect(try await self.bodies(resumed, 3) == [4, 5, 6])
            await resumed.close()
            // Also one at the end, and the gap is not reported twice.
            let place = try #require(gap.id)
            _ = try await client.delete("/v2/queues/q/messages?pop=3")
            let again = try await self.open(api, client, headers: [("Last-Event-ID", place)])
            #expect(try await again.next()?.text == #"{"from":4,"to":6}"#)
            #expect(try await client.delete("/v2/queues/q").status == 204)
            _ = try await client.postMessages(["7"], to: "q")
            #expect(try await again.next()?.name == "restart")
            #expect(try await self.body(again.next()) == 7)
            await again.close()
        }
    }

    @Test func `Streams of many clients get everything, in order, and hold no turn`() async throws {
        try await withAPI(admission: ProjectAdmission(requestsMax: 2)) { api async throws in
            let client = api.client()
            var sources: [EventSource] = []
            for _ in 0..<20 {
                let source = try await self.open(api, client)
                _ = try await source.next()
                sources.append(source)
            }
            for number in 0..<50 {
                // Refused while those that read have all turns for too long.
                let isPosted = try await eventually {
                    try await client.postMessages(["\(number)"], to: "q").isEmpty ? nil : true
                }
                #expect(isPosted == true)
            }
            for source in sources {
                #expect(try await self.bodies(source, 50) == Array(0..<50))
                await source.close()
            }
            let isOver = try await eventually { api.waits.count == 0 && api.admission.busyProjects == 0 ? true : nil }
            #expect(isOver == true)
        }
    }

    @Test func `A client that does not read is given no more than its connection takes`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let stuck = try await EventSource.open(api.address, self.path, headers: client.headers, reads: false)
            let isOpen = try await eventually { api.waits.count == 1 ? true : nil }
            #expect(isOpen == true)
            let large = "\"" + String(repeating: "x", count: 200_000) + "\""
            for _ in 0..<60 { _ = try await client.postMessages([large], to: "q") }
            // What it did not take stays in Redis, and others go on.
            let other = try await self.open(api, client, query: "?from=oldest")
            #expect(try await other.next()?.name == "message")
            await other.close()
            await stuck.close()
            let isOver = try await eventually { api.waits.count == 0 ? true : nil }
            #expect(isOver == true)
        }
    }

    @Test func `A stop ends a stream as a whole, and it goes on at another process`() async throws {
        try await withRedis { redis in
            let project = UUID().uuidString
            var place = ""
            try await withAPI(redis: redis) { api async throws in
                let client = api.client(project: project)
                let source = try await self.open(api, client)
                _ = try await source.next()
                _ = try await client.postMessages(["1"], to: "q")
                place = try #require(try await source.next()?.id)
                await api.stop()
                #expect(try await source.next() == nil && source.isOver)
            }
            try await withAPI(redis: redis) { api async throws in
                let client = api.client(project: project)
                _ = try await client.postMessages(["2"], to: "q")
                let source = try await self.open(api, client, headers: [("Last-Event-ID", place)])
                #expect(try await self.body(source.next()) == 2)
                await source.close()
            }
        }
    }

    @Test func `A stream whose queue holds something back does not look again and again`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let source = try await self.open(api, client)
            _ = try await source.next()
            let delayed = #"{"messages": [{"body": 1, "delay": 1}]}"#
            #expect(try await client.post("/v2/queues/q/messages", delayed).status == 201)
            #expect(try await self.body(source.next()) == 1)
            // Its delay passes, and it stays where it is, since nothing claims it.
            api.time.pass(seconds: 2)
            async let other = client.get("/v2/queues/q/messages?wait=2&limit=1&marker=none")
            _ = try await other
            let text = try await api.redis.command("INFO", "commandstats").text ?? ""
            let calls = text.firstMatch(of: /cmdstat_evalsha:calls=(\d+)/).flatMap { Int($0.output.1) } ?? 0
            #expect(calls < 200, "\(calls)")
            await source.close()
        }
    }

    @Test func `A stream outlives a failure of the store, and goes on where it was`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let source = try await self.open(api, client)
            _ = try await source.next()
            _ = try await client.postMessages(["1"], to: "q")
            #expect(try await self.body(source.next()) == 1)
            // It answers nothing for longer than anything waits for it.
            api.redis.pause()
            #expect(try await client.postMessages(["9"], to: "q").isEmpty)
            api.redis.resume()
            let isPosted = try await eventually {
                try await client.postMessages(["2"], to: "q").isEmpty ? nil : true
            }
            #expect(isPosted == true)
            // Of the first post nothing was known: it may have been carried out.
            var body = try await self.body(source.next())
            if body == 9 { body = try await self.body(source.next()) }
            #expect(body == 2)
            await source.close()
        }
    }

    @Test func `A project has so many streams as it may have requests that wait`() async throws {
        try await withAPI(waits: QueueWaits(waitsMax: 1)) { api async throws in
            let client = api.client()
            let source = try await self.open(api, client)
            _ = try await source.next()
            let refused = try await api.client(project: client.project).get(self.path)
            #expect(refused.status == 503 && refused["Retry-After"] != nil)
            await source.close()
            let isFree = try await eventually { api.waits.count == 0 ? true : nil }
            #expect(isFree == true)
        }
    }

    // MARK: Pre-signed

    @Test func `A stream of a share ends with it`() async throws {
        try await withAPI(signedURLKeys: ["secret key of the test"]) { api async throws in
            let owner = api.client()
            let expires = Date().addingTimeInterval(6).ISO8601Format().prefix(19)
            let share = try await owner.post(
                "/v2/queues/q/share", #"{"paths": ["stream"], "expires": "\#(expires)"}"#)
            let query = try self.query(share, owner)
            let source = try await EventSource.open(api.address, "\(self.path)?\(query)")
            #expect(try await source.next()?.id != nil)
            #expect(try await source.next() == nil)
        }
    }

    /// A share as the query of a target.
    private func query(_ share: HTTPReply, _ owner: APIClient) throws -> String {
        var query = "project=\(owner.project)"
        for name in ["signature", "expires"] { query += "&\(name)=\(try #require(share.json[name] as? String))" }
        for name in ["methods", "paths"] {
            query += "&\(name)=\(try #require(share.json[name] as? [String]).joined(separator: ","))"
        }
        return query
    }

    @Test func `A share opens a stream to what can send no headers, by its query`() async throws {
        try await withAPI(signedURLKeys: ["secret key of the test"]) { api async throws in
            let owner = api.client()
            _ = try await owner.postMessages(["1"], to: "q")
            let share = try await owner.post("/v2/queues/q/share", #"{"paths": ["stream"]}"#)
            let query = try self.query(share, owner) + "&from=oldest"
            let source = try await EventSource.open(api.address, "\(self.path)?\(query)")
            #expect(try await source.head().hasPrefix("HTTP/1.1 200 "))
            #expect(try await self.body(source.next()) == 1)
            await source.close()
            // Nothing else, and no one else's.
            let caller = HTTPCaller(api.address)
            for target in [
                "/v2/queues/q/messages?\(query)", "/v2/queues/other/stream?\(query)",
                "\(self.path)?\(query.replacing("signature=", with: "signature=0"))",
                "\(self.path)?\(query.replacing(owner.project, with: UUID().uuidString))",
            ] {
                #expect(try await caller.send("GET", target).status == 404, "\(target)")
            }
            // In the query it counts for GET only.
            let posted = try await caller.send("POST", "/v2/queues/q/messages?\(query)", body: "{}")
            #expect(posted.status == 400)
        }
    }

    @Test func `A stream is neither JSON nor for callers without a name`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let json = try await client.send("GET", self.path, headers: [("Accept", "application/json")])
            #expect(json.status == 406)
            #expect(try await client.send("POST", self.path, "{}").status == 405)
            let nameless = try await HTTPCaller(api.address).send("GET", self.path, headers: [("X-Project-Id", "p")])
            #expect(nameless.status == 400)
        }
    }
}
