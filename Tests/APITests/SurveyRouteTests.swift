import API
import Domain
import Foundation
import Operations
import Redis
import Signing
import Store
import TestKit
import Testing

/// What administrators see of projects, queues and subscriptions over all projects.
struct SurveyRouteTests {
    private static let subscriptions = "/v2/admin/subscriptions"

    /// Follows the links of a list to its end; each page has at most so many rows.
    private static func all(
        _ admin: Administrator, _ path: String, _ name: String, limit: Int = 20,
        meanwhile: () async throws -> Void = {}
    ) async throws -> [[String: Any]] {
        var rows: [[String: Any]] = []
        var next: String? = path + (path.contains("?") ? "&" : "?") + "limit=\(limit)"
        while let here = next {
            let page = try await admin.get(here)
            #expect(page.status == 200, "\(here): \(page)")
            #expect(page.objects(name).count <= limit, "\(here)")
            rows += page.objects(name)
            next = page.next
            try await meanwhile()
        }
        return rows
    }

    /// Each text of a member, in the order of the rows.
    private static func texts(_ rows: [[String: Any]], _ name: String) -> [String] {
        rows.compactMap { $0[name] as? String }
    }

    private static func subscribe(
        _ client: APIClient, _ queue: String, _ subscriber: String = "http://user:word@127.0.0.1:9/secret?token=1"
    ) async throws -> String {
        let reply = try await client.post("/v2/queues/\(queue)/subscriptions", "{\"subscriber\":\"\(subscriber)\"}")
        return try #require(reply.json["subscription_id"] as? String, "\(reply)")
    }

    /// Leases what is due of one queue and settles it.
    private static func settle(_ api: RunningAPI, _ queue: String, _ ending: Settlement.Ending) async throws {
        for shard in 0..<api.store.deliveries.shards {
            let leases = try await api.leaseDue(in: shard, fanningOut: true).filter { $0.queue.name.text == queue }
            let report = AttemptReport(
                startedAt: api.time.now, kind: .notification, outcome: .deferred(code: 503, notBefore: nil),
                exchange: Exchange())
            _ = try await api.store.deliveries.settle(shard, leases.map { Settlement($0, ending, after: report) })
        }
    }

    /// Queues of two projects: `a` has an open breaker, `b` is disabled, `c` paused, `d` has a backlog, `e` is well.
    private static func trouble(_ api: RunningAPI, _ one: APIClient, _ two: APIClient) async throws {
        let messages = (0..<20).map { "\($0)" }
        for (queue, client) in [("a", one), ("b", two), ("c", one), ("d", two), ("e", one)] {
            let id = try await Self.subscribe(client, queue)
            if queue == "c" {
                #expect(try await client.post("/v2/queues/c/subscriptions/\(id)/pause", nil).status == 204)
            }
            if queue != "e" { #expect(try await client.postMessages(messages, to: queue).count == 20) }
            switch queue {
            case "a":
                for _ in 0..<60 where try await api.store.surveys.counts(of: .open).allSatisfy({ $0 == 0 }) {
                    try await Self.settle(api, "a", .retry(after: .seconds(1)))
                    api.time.pass(seconds: 1)
                }
            case "b": try await Self.settle(api, "b", .deadLetter(.refused, summary: "refused 410", disabling: true))
            default:
                for shard in 0..<api.store.deliveries.shards { _ = try await api.leaseDue(in: shard, fanningOut: true) }
            }
        }
    }

    @Test func `The troubled come first, each state lists its own, and no secret of an address is shown`() async throws
    {
        try await withAPI(rules: Administrator.rules) { api async throws in
            let admin = Administrator(api)
            let (one, two) = (api.client(project: "one"), api.client(project: "two: 2"))
            try await Self.trouble(api, one, two)
            let whole = try await admin.get(Self.subscriptions)
            let rows = whole.objects("subscriptions")
            #expect(Self.texts(rows, "queue") == ["a", "b", "c", "d"] && whole.next == nil)
            #expect(Self.texts(rows, "state") == ["open", "disabled", "paused", "active"])
            #expect(Self.texts(rows, "project") == ["one", "two: 2", "one", "two: 2"])
            #expect(Self.texts(rows, "endpoint").allSatisfy { $0 == "http://127.0.0.1:9" })
            #expect(!whole.text.contains("secret") && !whole.text.contains("token") && !whole.text.contains("word"))
            #expect(Self.texts(rows, "pool").allSatisfy { $0 == "default" } && whole.json["unreachable"] is [Any])
            #expect(rows[0]["failures"] as? Int ?? 0 >= 20 && rows[0]["failure_share"] as? Double == 1)
            #expect(rows[0]["failing_since"] is String && rows[0]["probe_at"] is String && rows[0]["since"] is String)
            #expect(rows[1]["failure_share"] as? Double == 1 && rows[1]["since"] is String)
            #expect(
                rows[2]["backlog"] as? Int == 20 && rows[2]["failure_share"] is NSNull && rows[2]["since"] is String)
            #expect(rows[3]["backlog"] as? Int == 12 && rows[3]["in_flight"] as? Int == 8)
            #expect(rows[3]["oldest_due"] is String && rows[3]["since"] is NSNull)

            for (state, queues) in [
                ("troubled", ["a", "b", "c", "d"]), ("open", ["a"]), ("disabled", ["b"]), ("paused", ["c"]),
                ("waiting", ["a", "b", "c", "d"]), ("unconfirmed", []), ("active", ["d", "e"]),
                ("all", ["a", "b", "c", "d", "e"]),
            ] {
                for limit in [1, 2, 20] {
                    let rows = try await Self.all(
                        admin, "\(Self.subscriptions)?state=\(state)", "subscriptions", limit: limit)
                    #expect(Self.texts(rows, "queue").sorted() == queues, "\(state) \(limit)")
                }
            }
            let inOrder = try await Self.all(admin, Self.subscriptions, "subscriptions", limit: 1)
            #expect(Self.texts(inOrder, "queue") == ["a", "b", "c", "d"])

            func listed(_ query: String) async throws -> [String] {
                Self.texts(try await Self.all(admin, "\(Self.subscriptions)?\(query)", "subscriptions"), "queue")
                    .sorted()
            }
            #expect(try await listed("state=all&project=one") == ["a", "c", "e"])
            #expect(try await listed("project=two%3A+2") == ["b", "d"])
            #expect(try await listed("project=two%3A+2&queue=d") == ["d"])
            #expect(try await listed("project=one&queue=e") == [])
            #expect(try await listed("project=one&queue=e&state=active") == ["e"])
            #expect(try await listed("project=one&queue=b&state=all") == [])
        }
    }

    @Test func `Who has to confirm is unconfirmed`() async throws {
        let confirmation = ConfirmationRules(key: try #require(SignedURLKey("s3cret")), publicURL: nil)
        try await withAPI(rules: Administrator.rules, confirmation: confirmation) { api async throws in
            let admin = Administrator(api)
            _ = try await Self.subscribe(api.client(), "q")
            for (state, count) in [("unconfirmed", 1), ("active", 0)] {
                let page = try await admin.get("\(Self.subscriptions)?state=\(state)")
                #expect(page.objects("subscriptions").count == count, "\(page)")
            }
        }
    }

    @Test func `What no page has, or no list knows, is refused`() async throws {
        try await withAPI(rules: Administrator.rules) { api async throws in
            let admin = Administrator(api)
            for query in [
                "state=broken", "limit=0", "limit=21", "limit=x", "queue=q", "project=p&queue=a%20b",
                "project=%EF%BF%BD", "project=\(String(repeating: "x", count: 257))", "marker=x", "marker=open",
                "marker=open:::0::", "marker=open::-1:0::", "marker=open::256:0::", "marker=open::0:-1::",
                "marker=open::0:x::", "marker=open::0:0:1:", "marker=open::0:0::a", "marker=open:a%20b:0:0::",
                "marker=nothing::0:0::", "marker=subscriptions::0:0::", "marker=holding::0:0::",
                "marker=open::0:99999999999999999999::", "state=all&marker=open::0:0::",
                "project=p&queue=q&marker=open::0:0::",
            ] {
                let reply = try await admin.get("\(Self.subscriptions)?\(query)")
                #expect(reply.status == 400 && reply.title?.isEmpty == false, "\(query): \(reply)")
            }
            #expect(
                try await admin.get("\(Self.subscriptions)?marker=paused:p9:255:18446744073709551615::").status == 200)
            for query in [
                "state=paused", "limit=21", "marker=x", "marker=1:p", "marker=9:p:q", "marker=1:p:a%20b",
                "project=other&marker=1:p:q", "state=holding&marker=1:p:q",
            ] {
                #expect(try await admin.get("/v2/admin/queues?\(query)").status == 400, "\(query)")
            }
            for query in ["limit=21", "marker=\(String(repeating: "x", count: 257))"] {
                #expect(try await admin.get("/v2/admin/projects?\(query)").status == 400, "\(query)")
            }
        }
    }

    @Test func `Only administrators list, and only where their routes are served`() async throws {
        let paths = ["/v2/admin/projects", "/v2/admin/queues", Self.subscriptions]
        try await withAPI(rules: Administrator.rules) { api async throws in
            let member = api.client()
            for path in paths {
                #expect(try await member.get(path).status == 403)
                #expect(try await member.send("GET", path, headers: [("X-Roles", "member")]).status == 403)
                #expect(try await Administrator(api).get(path).status == 200)
            }
        }
        try await withAPI { api async throws in
            for path in paths { #expect(try await Administrator(api).get(path).status == 404) }
        }
    }

    @Test func `Of 2,000 subscriptions each is shown that is there all the time, while others come and go`()
        async throws
    {
        try await withAPI(rules: Administrator.rules) { api async throws in
            // As large collections are kept, whose tables change their size.
            try await api.redis.command("CONFIG", "SET", "hash-max-ziplist-entries", "0")
            let admin = Administrator(api)
            let queues = try (0..<10).map {
                QueueAddress(project: try ProjectID("p\($0 % 3)"), name: try QueueName("q\($0)"))
            }
            func subscribe(_ number: Int) async throws -> (SubscriptionID, QueueAddress) {
                let queue = queues[number % 10]
                return (
                    try await api.store.subscriptions.create(
                        queue, subscriber: try Subscriber("http://\(number)"), ttl: 3600, options: Array("{}".utf8),
                        pace: Pace()
                    ).id, queue
                )
            }
            var lasting: Set<String> = []
            var passing: [(SubscriptionID, QueueAddress)] = []
            for number in 0..<2_000 {
                let made = try await subscribe(number)
                if number % 4 == 0 { passing.append(made) } else { lasting.insert(made.0.text) }
            }
            var number = 2_000
            let rows = try await Self.all(admin, "\(Self.subscriptions)?state=all", "subscriptions") {
                for _ in 0..<4 {
                    guard let (id, queue) = passing.popLast() else { break }
                    try await api.store.subscriptions.delete(queue, id: id)
                }
                if number < 2_300 {
                    for _ in 0..<6 {
                        number += 1
                        _ = try await subscribe(number)
                    }
                }
            }
            let found = Set(Self.texts(rows, "id"))
            #expect(lasting.subtracting(found).isEmpty)
            #expect(rows.count < 2_800)
        }
    }

    @Test func `A page that has looked at enough ends, with or without rows, and the next one goes on`() async throws {
        try await withAPI(rules: Administrator.rules) { api async throws in
            let admin = Administrator(api)
            let queue = QueueAddress(project: try ProjectID("many"), name: try QueueName("q"))
            for number in 0..<1_300 {
                _ = try await api.store.subscriptions.create(
                    queue, subscriber: try Subscriber("http://\(number)"), ttl: 3600, options: Array("{}".utf8),
                    pace: Pace())
            }
            let first = try await admin.get("\(Self.subscriptions)?state=all&project=other")
            #expect(first.objects("subscriptions").isEmpty && first.next != nil)
            let rows = try await Self.all(admin, "\(Self.subscriptions)?state=all&project=other", "subscriptions")
            #expect(rows.isEmpty)
            let none = try await admin.get("\(Self.subscriptions)?state=paused&project=many&queue=q")
            #expect(none.objects("subscriptions").isEmpty && none.next != nil)
            #expect(
                try await Self.all(
                    admin, "\(Self.subscriptions)?state=paused&project=many&queue=q", "subscriptions"
                ).isEmpty)
        }
    }

    @Test func `All pools are looked through, and one that is away is named`() async throws {
        try await withServers(3) { servers in
            try await withAPI(rules: Administrator.rules, redis: servers[0]) { api async throws in
                let admin = Administrator(api, project: "p")
                let client = admin.client
                var ids = ["default": try await Self.subscribe(client, "d")]
                for number in 1...2 {
                    #expect(try await admin.putPool("p\(number)", servers[number].url).status == 201)
                    #expect(try await admin.putFlavor("f\(number)", ["p\(number)"]).status == 201)
                    #expect(try await client.put("/v2/queues/q\(number)", "{\"_flavor\":\"f\(number)\"}").status == 201)
                    let id = try await Self.subscribe(client, "q\(number)")
                    ids["p\(number)"] = id
                    #expect(try await client.post("/v2/queues/q\(number)/subscriptions/\(id)/pause", nil).status == 204)
                    #expect(try await client.postMessages(["1"], to: "q\(number)").count == 1)
                }
                for limit in [1, 20] {
                    let paused = try await Self.all(admin, Self.subscriptions, "subscriptions", limit: limit)
                    #expect(Self.texts(paused, "pool") == ["p1", "p2"] && Self.texts(paused, "queue") == ["q1", "q2"])
                    let rows = try await Self.all(
                        admin, "\(Self.subscriptions)?state=all", "subscriptions", limit: limit)
                    #expect(rows.count == 3)
                    for row in rows { #expect(ids[row["pool"] as? String ?? ""] == row["id"] as? String) }
                    let held = try await Self.all(admin, "/v2/admin/queues?state=holding", "queues", limit: limit)
                    #expect(Self.texts(held, "name") == ["q1", "q2"] && Self.texts(held, "pool") == ["p1", "p2"])
                    let queues = try await Self.all(admin, "/v2/admin/queues", "queues", limit: limit)
                    #expect(Self.texts(queues, "pool") == ["default", "p1", "p2"])
                    #expect(queues.map { $0["free"] as? Int } == [0, 1, 1])
                }
                let one = try await admin.get("\(Self.subscriptions)?project=p&queue=q2")
                #expect(Self.texts(one.objects("subscriptions"), "pool") == ["p2"])

                await servers[1].kill()
                let away: HTTPReply? = try await eventually {
                    let page = try await admin.get(Self.subscriptions)
                    return page.json["unreachable"] as? [String] == ["p1"] ? page : nil
                }
                #expect(Self.texts(try #require(away).objects("subscriptions"), "queue") == ["q2"])
                let page = try await admin.get("/v2/admin/queues")
                #expect(page.json["unreachable"] as? [String] == ["p1"])
                let queues = page.objects("queues")
                #expect(Self.texts(queues, "name") == ["d", "q1", "q2"])
                #expect(queues[1]["free"] is NSNull && queues[2]["free"] as? Int == 1)
                let use = try #require(try await admin.get("/v2/admin/projects").objects("projects").first)
                let limits = try #require(use["limits"] as? [String: [String: Any]])
                #expect(limits["queues"]?["used"] as? Int == 3)
            }
        }
    }

    @Test func `Queues are listed over projects, by project and name, with what they hold`() async throws {
        try await withAPI(rules: Administrator.rules) { api async throws in
            let admin = Administrator(api)
            #expect(try await admin.get("/v2/admin/queues").text == #"{"queues":[],"unreachable":[],"links":[]}"#)
            let projects = ["a", "a:b", "b,c", "z"]
            for project in projects {
                for name in ["one", "two", "x.y"] {
                    let client = api.client(project: project)
                    #expect(try await client.put("/v2/queues/\(name)").status == 201)
                    guard name == "two" else { continue }
                    #expect(try await client.postMessages(["1", "2", "3"], to: name).count == 3)
                    #expect(try await client.post("/v2/queues/two/claims?limit=1", "{}").status == 201)
                    _ = try await Self.subscribe(client, name)
                    #expect(try await client.postMessages(["4"], to: name).count == 1)
                }
            }
            api.time.pass(seconds: 7)
            for limit in [1, 2, 5, 20] {
                let rows = try await Self.all(admin, "/v2/admin/queues", "queues", limit: limit)
                let names = rows.map { "\($0["project"] as? String ?? "") \($0["name"] as? String ?? "")" }
                #expect(names == projects.flatMap { ["\($0) one", "\($0) two", "\($0) x.y"] }, "\(limit)")
                let held = try await Self.all(admin, "/v2/admin/queues?state=holding", "queues", limit: limit)
                #expect(
                    Self.texts(held, "project").sorted() == projects
                        && Self.texts(held, "name").allSatisfy { $0 == "two" })
                let own = try await Self.all(admin, "/v2/admin/queues?project=b%2Cc", "queues", limit: limit)
                #expect(Self.texts(own, "name") == ["one", "two", "x.y"])
                let both = try await Self.all(
                    admin, "/v2/admin/queues?project=b%2Cc&state=holding", "queues", limit: limit)
                #expect(Self.texts(both, "project") == ["b,c"])
            }
            let row = try #require(
                try await admin.get("/v2/admin/queues?project=a&state=holding").objects("queues").first)
            #expect(row["free"] as? Int == 3 && row["claimed"] as? Int == 1 && row["oldest_age"] as? Int == 7)
            #expect(row["bytes"] as? Int ?? 0 > 0 && row["subscriptions"] as? Int == 1 && row["events"] as? Int == 1)
            #expect(row["dead_letters"] as? Int == 0 && row["pool"] as? String == "default")
            #expect(try await admin.get("/v2/admin/queues?project=none").objects("queues").isEmpty)
        }
    }

    @Test func `Projects are listed with what they use, also those from before they were listed`() async throws {
        try await withAPI(rules: Administrator.rules) { api async throws in
            let admin = Administrator(api)
            let projects = ["a", "a b", "b,c", "é"]
            for project in projects {
                #expect(try await api.client(project: project).postMessages(["1"], to: "q").count == 1)
            }
            _ = try await Self.subscribe(api.client(project: "a"), "r")
            #expect(try await admin.put("/v2/projects/a/limits", #"{"queues": 9}"#).status == 204)
            for limit in [1, 3, 20] {
                let rows = try await Self.all(admin, "/v2/admin/projects", "projects", limit: limit)
                #expect(Self.texts(rows, "project") == projects, "\(limit)")
            }
            let listed = try await admin.get("/v2/admin/projects").objects("projects")[0]
            let shown = try await admin.get("/v2/projects/a/limits").json
            #expect(NSDictionary(dictionary: listed).isEqual(to: shown), "\(listed) \(shown)")
            let limits = try #require(listed["limits"] as? [String: [String: Any]])
            #expect(limits["queues"]?["used"] as? Int == 2 && limits["queues"]?["limit"] as? Int == 9)
            #expect(limits["subscriptions"]?["used"] as? Int == 1 && limits["bytes"]?["used"] as? Int ?? 0 > 0)

            // As a version without the list leaves it: one project is missing, and one has no queue any more.
            try await api.redis.command("ZREM", "herald:{control}:projects", "é")
            try await api.redis.command("ZADD", "herald:{control}:projects", "0", "gone")
            try await withAPI(rules: Administrator.rules, redis: api.redis) { other async throws in
                #expect(try await other.client(project: "é").postMessages(["2"], to: "q").count == 1)
                let rows = try await Self.all(Administrator(other), "/v2/admin/projects", "projects", limit: 2)
                #expect(Self.texts(rows, "project") == projects)
            }
            #expect(try await api.client(project: "é").delete("/v2/queues/q").status == 204)
            #expect(
                Self.texts(try await Self.all(admin, "/v2/admin/projects", "projects"), "project") == [
                    "a", "a b", "b,c",
                ])
        }
    }
}
