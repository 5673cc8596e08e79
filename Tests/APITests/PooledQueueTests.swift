import API
import Foundation
import Redis
import TestKit
import Testing

/// Queues that live on several Redis servers behind one API.
struct PooledQueueTests {
    /// The first server is the control store, the others are pools `p1`, `p2` … with flavors `f1`, `f2` … of a project.
    private static func withPools(
        _ count: Int, appendOnly: Bool = false, _ body: (RunningAPI, Administrator, [RedisServer]) async throws -> Void
    ) async throws {
        try await withServers(count + 1, appendOnly: appendOnly) { servers in
            try await withAPI(rules: Administrator.rules, redis: servers[0]) { api in
                let admin = Administrator(api)
                for number in 1...count {
                    #expect(try await admin.putPool("p\(number)", servers[number].url).status == 201)
                    #expect(try await admin.putFlavor("f\(number)", ["p\(number)"]).status == 201)
                }
                try await body(api, admin, servers)
            }
        }
    }

    private static func metas(_ servers: [RedisServer]) async throws -> [Int] {
        var counts: [Int] = []
        for server in servers { counts.append(try await server.queueCount()) }
        return counts
    }

    @Test func `A-33: a flavor chooses the pool, and one that is not there makes no queue`() async throws {
        try await Self.withPools(3) { _, admin, servers async throws in
            let client = admin.client
            for (number, name) in ["a", "b", "c", "d"].enumerated() {
                let flavor = "f\(number % 3 + 1)"
                #expect(try await client.put("/v2/queues/\(name)", "{\"_flavor\":\"\(flavor)\"}").status == 201)
                #expect(try await client.postMessages(["\(number)"], to: name).count == 1)
                let listed = try await client.get("/v2/queues/\(name)/messages?echo=true").objects("messages")
                #expect(listed.first?["body"] as? Int == number)
                #expect(try await client.get("/v2/queues/\(name)").json["_flavor"] as? String == flavor)
            }
            #expect(try await Self.metas(servers) == [0, 2, 1, 1])
            let names = try await client.get("/v2/queues?detailed=true&with_count=true")
            #expect(names.objects("queues").compactMap { $0["name"] as? String } == ["a", "b", "c", "d"])
            #expect(names.json["count"] as? Int == 4)
            let filtered = try await client.get("/v2/queues?_flavor=f1").objects("queues")
            #expect(filtered.compactMap { $0["name"] as? String } == ["a", "d"])
            let page = try await client.get("/v2/queues?limit=2&marker=b").objects("queues")
            #expect(page.compactMap { $0["name"] as? String } == ["c", "d"])

            for body in [#"{"_flavor":"none"}"#, #"{"_flavor":1}"#, #"{"_flavor":"no name"}"#] {
                #expect(try await client.put("/v2/queues/new", body).status == 400, "\(body)")
            }
            #expect(try await client.delete("/v2/queues/d").status == 204)
            #expect(try await admin.delete("/v2/flavors/f1").status == 204)
            #expect(try await client.put("/v2/queues/d", #"{"_flavor":"f1"}"#).status == 400)
            // What was made by it stays where it is.
            #expect(try await client.get("/v2/queues/a/stats").text.contains(#""total":1"#))
            #expect(try await client.put("/v2/queues/d", #"{"_flavor":null}"#).status == 201)
        }
    }

    @Test func `A-17: with four pools every call does what it does without, on queues made in any way`() async throws {
        try await Self.withPools(4) { _, admin, servers async throws in
            let client = admin.client
            for path in ["", "/stats", "/messages", "/subscriptions"] {
                #expect(try await client.get("/v2/queues/absent\(path)").status == 200, "\(path)")
            }
            for path in ["/messages/x", "/claims/x", "/subscriptions/x"] {
                #expect(try await client.get("/v2/queues/absent\(path)").status == 404, "\(path)")
            }
            #expect(try await client.post("/v2/queues/absent/claims", "{}").status == 204)
            #expect(try await client.get("/v2/queues").objects("queues").isEmpty)
            for number in 0..<12 {
                let queue = "/v2/queues/q\(number)"
                let metadata = number % 2 == 0 ? #"{"_enable_encrypt_messages":true}"# : "{}"
                if number % 3 == 0 { #expect(try await client.put(queue, metadata).status == 201) }
                if number % 3 == 1 {
                    let subscribed = try await client.post(
                        "\(queue)/subscriptions", #"{"subscriber":"http://127.0.0.1:9/x"}"#)
                    #expect(subscribed.status == 201)
                    let id = try #require(subscribed.json["subscription_id"] as? String)
                    #expect(try await client.get("\(queue)/subscriptions/\(id)").status == 200)
                    #expect(try await client.patch("\(queue)/subscriptions/\(id)", #"{"ttl":100}"#).status == 204)
                    #expect(try await client.delete("\(queue)/subscriptions/\(id)").status == 204)
                }
                let posted = try await client.postMessages(["1", "2", "3", "4"], to: "q\(number)")
                #expect(posted.count == 4)
                #expect(try await client.get(posted[0]).json["body"] as? Int == 1)
                let claim = try await client.post("\(queue)/claims?limit=2", #"{"ttl":100,"grace":100}"#)
                #expect(claim.status == 201 && claim.objects("messages").count == 2)
                let href = try #require(claim["Location"])
                #expect(try await client.get(href).objects("messages").count == 2)
                #expect(try await client.patch(href, #"{"ttl":200,"grace":60}"#).status == 204)
                #expect(try await client.get("\(queue)/stats").text.contains(#""claimed":2"#))
                #expect(try await client.delete(href).status == 204)
                #expect(try await client.delete("\(queue)/messages?pop=1").objects("messages").count == 1)
                #expect(try await client.delete(posted[1]).status == 204)
                #expect(try await client.get("\(queue)/messages?echo=true").objects("messages").count == 2)
                #expect(try await client.post("\(queue)/purge", "").status == 204)
                #expect(try await client.get("\(queue)/stats").text.contains(#""total":0"#))
            }
            #expect(try await client.get("/v2/queues?limit=20").objects("queues").count == 12)
            let counts = try await Self.metas(servers)
            #expect(counts[0] == 0 && counts.reduce(0, +) == 12)
            for number in 0..<12 { #expect(try await client.delete("/v2/queues/q\(number)").status == 204) }
            for number in 1...4 {
                #expect(try await admin.delete("/v2/flavors/f\(number)").status == 204)
                #expect(try await admin.delete("/v2/pools/p\(number)").status == 204)
            }
            #expect(try await admin.get("/v2/pools").objects("pools").isEmpty)
            #expect(try await Self.metas(servers) == [0, 0, 0, 0, 0])
            #expect(try await servers[0].command("EXISTS", "herald:{control}:pool-queue-counts").int == 0)
        }
    }

    @Test func `A pool that is killed leaves the others serving, and comes back with all it acknowledged`() async throws
    {
        try await Self.withPools(2, appendOnly: true) { _, admin, servers async throws in
            let client = admin.client
            for number in 1...2 {
                #expect(try await client.put("/v2/queues/q\(number)", "{\"_flavor\":\"f\(number)\"}").status == 201)
                #expect(try await client.postMessages(["1"], to: "q\(number)").count == 1)
            }
            await servers[1].kill()
            #expect(try await client.postMessages(["2"], to: "q2").count == 1)
            #expect(try await client.get("/v2/queues/q2/messages?echo=true").objects("messages").count == 2)
            let away: Bool? = try await eventually {
                try await client.get("/v2/queues/q1/stats").status == 503 ? true : nil
            }
            #expect(away == true)
            #expect(try await client.post("/v2/queues/q1/messages", #"{"messages":[{"body":1}]}"#).status == 503)
            #expect(try await client.get("/v2/queues").status == 503)
            #expect(try await client.delete("/v2/queues/q1").status == 503)
            try await servers[1].start()
            let back: Bool? = try await eventually {
                try await client.get("/v2/queues/q1/stats").status == 200 ? true : nil
            }
            #expect(back == true)
            #expect(try await client.get("/v2/queues/q1/stats").text.contains(#""total":1"#))
            #expect(try await client.get("/v2/queues").objects("queues").count == 2)
        }
    }

    @Test func `A pool added through one API is used by another, and queues both make at once live in one place`()
        async throws
    {
        try await withServers(3) { servers in
            try await withAPI(rules: Administrator.rules, redis: servers[0]) { first in
                try await withAPI(rules: Administrator.rules, redis: servers[0]) { second async throws in
                    let (admin, other) = (Administrator(first, project: "p"), second.client(project: "p"))
                    for number in 1...2 {
                        #expect(try await admin.putPool("p\(number)", servers[number].url).status == 201)
                    }
                    // The other one does not know them, and learns of them when it is about to make a queue.
                    #expect(try await other.put("/v2/queues/early").status == 201)
                    #expect(try await servers[0].queueCount() == 0)
                    let (made, posted) = try await withThrowingTaskGroup(of: (Bool, Int).self) { group in
                        for number in 0..<60 {
                            for api in [first, second] {
                                group.addTask {
                                    let client = api.client(project: "p")
                                    if number % 2 == 0 {
                                        return (try await client.put("/v2/queues/q\(number)").status == 201, 0)
                                    }
                                    return (false, try await client.postMessages(["1"], to: "q\(number)").count)
                                }
                            }
                        }
                        return try await group.reduce((0, 0)) { ($0.0 + ($1.0 ? 1 : 0), $0.1 + $1.1) }
                    }
                    #expect(made == 30 && posted == 60)
                    let counts = try await Self.metas(servers)
                    #expect(counts[0] == 0 && counts[1] + counts[2] == 61 && counts[1] > 0 && counts[2] > 0)
                    for number in stride(from: 1, to: 60, by: 2) {
                        let stats = try await other.get("/v2/queues/q\(number)/stats").text
                        #expect(stats.contains(#""total":2"#), "\(number) \(stats)")
                    }
                }
            }
        }
    }

    @Test func `A queue made anew on another pool is found there by those who remember the old one`() async throws {
        try await withServers(3) { servers in
            try await withAPI(rules: Administrator.rules, redis: servers[0]) { first in
                try await withAPI(rules: Administrator.rules, redis: servers[0]) { second async throws in
                    let (admin, other) = (Administrator(first, project: "p"), second.client(project: "p"))
                    for number in 1...2 {
                        try await admin.putPool("p\(number)", servers[number].url)
                        try await admin.putFlavor("f\(number)", ["p\(number)"])
                    }
                    #expect(try await admin.client.put("/v2/queues/q", #"{"_flavor":"f1"}"#).status == 201)
                    #expect(try await other.postMessages(["1"], to: "q").count == 1)
                    #expect(try await admin.client.delete("/v2/queues/q").status == 204)
                    #expect(try await admin.client.put("/v2/queues/q", #"{"_flavor":"f2"}"#).status == 201)
                    // A post learns of it at once, a read when what is remembered is no longer believed.
                    #expect(try await other.postMessages(["2"], to: "q").count == 1)
                    #expect(try await other.get("/v2/queues/q/messages?echo=true").objects("messages").count == 1)
                    #expect(try await Self.metas(servers) == [0, 0, 1])
                    #expect(try await admin.client.delete("/v2/queues/q").status == 204)
                    #expect(try await admin.client.put("/v2/queues/q", #"{"_flavor":"f1"}"#).status == 201)
                    #expect(try await other.delete("/v2/queues/q").status == 204)
                    #expect(try await Self.metas(servers) == [0, 0, 0])
                }
            }
        }
    }

    @Test func `A pool with queues stays unless its removal is forced, and then they can be made anew`() async throws {
        try await withServers(3) { servers in
            try await withAPI(rules: Administrator.rules, redis: servers[0]) { api async throws in
                let admin = Administrator(api)
                let client = admin.client
                try await admin.putPool("p1", servers[1].url)
                #expect(try await client.postMessages(["1"], to: "q").count == 1)
                let refused = try await admin.delete("/v2/pools/p1")
                #expect(
                    refused.status == 403 && refused.title == "Unable to delete" && refused.words.contains("1 queues"))
                #expect(try await admin.delete("/v2/pools/p1?force=true").status == 204)
                #expect(try await client.get("/v2/queues/q/stats").text.contains(#""total":0"#))
                #expect(try await client.get("/v2/queues").objects("queues").isEmpty)
                // Registered again it is back as it was.
                try await admin.putPool("p1", servers[1].url)
                #expect(try await client.get("/v2/queues/q/stats").text.contains(#""total":1"#))
                #expect(try await admin.delete("/v2/pools/p1?force=true").status == 204)
                try await admin.putPool("p2", servers[2].url)
                #expect(try await client.postMessages(["2"], to: "q").count == 1)
                #expect(try await Self.metas(servers) == [0, 1, 1])
                #expect(try await admin.delete("/v2/pools/p2").status == 403)
                #expect(try await client.delete("/v2/queues/q").status == 204)
                #expect(try await admin.delete("/v2/pools/p2").status == 204)
            }
        }
    }

    @Test func `Queues from before the first pool stay in the default store, and new ones leave it alone`() async throws
    {
        try await withServers(2) { servers in
            try await withAPI(rules: Administrator.rules, redis: servers[0]) { api async throws in
                let admin = Administrator(api)
                let client = admin.client
                #expect(try await client.put("/v2/queues/old", #"{"_flavor":"anything"}"#).status == 201)
                #expect(try await client.postMessages(["1"], to: "old").count == 1)
                try await admin.putPool("p", servers[1].url)
                #expect(try await client.put("/v2/queues/old").status == 204)
                #expect(try await client.postMessages(["2"], to: "old").count == 1)
                #expect(try await client.get("/v2/queues/old/stats").text.contains(#""total":2"#))
                #expect(try await client.postMessages(["1"], to: "new").count == 1)
                #expect(try await Self.metas(servers) == [1, 1])
                let names = try await client.get("/v2/queues").objects("queues").compactMap { $0["name"] as? String }
                #expect(names == ["new", "old"])
                // Nothing is chosen where nothing has a weight: that is the default store's.
                #expect(try await admin.patch("/v2/pools/p", #"{"weight":0}"#).status == 200)
                #expect(try await client.put("/v2/queues/third").status == 201)
                #expect(try await Self.metas(servers) == [2, 1])
            }
        }
    }

    @Test func `A queue that holds messages stays on its pool, whatever flavor is asked for; an empty one moves`()
        async throws
    {
        try await Self.withPools(2) { _, admin, servers async throws in
            let client = admin.client
            #expect(try await client.put("/v2/queues/q", #"{"_flavor":"f1"}"#).status == 201)
            #expect(try await client.put("/v2/queues/q", #"{"_flavor":"f1"}"#).status == 204)
            #expect(try await client.postMessages(["1"], to: "q").count == 1)
            #expect(try await client.put("/v2/queues/q", #"{"_flavor":"f2"}"#).status == 409)
            let type = ("Content-Type", "application/openstack-messaging-v2.0-json-patch")
            for (flavor, status) in [("f2", 409), ("none", 400), ("f1", 200)] {
                let body = "[{\"op\":\"replace\",\"path\":\"/metadata/_flavor\",\"value\":\"\(flavor)\"}]"
                #expect(try await client.send("PATCH", "/v2/queues/q", body, headers: [type]).status == status)
            }
            #expect(try await client.delete("/v2/queues/q/messages?pop=1").status == 200)
            #expect(try await client.put("/v2/queues/q", #"{"_flavor":"f2"}"#).status == 201)
            #expect(try await Self.metas(servers) == [0, 0, 1])
            #expect(try await admin.delete("/v2/flavors/f1").status == 204)
            #expect(try await admin.delete("/v2/pools/p1").status == 204)
        }
    }

    @Test func `Dead letters stay on the pool of their source, or the source is not made`() async throws {
        try await Self.withPools(2) { api, admin, servers async throws in
            let client = admin.client
            #expect(try await client.put("/v2/queues/dead2", #"{"_flavor":"f2"}"#).status == 201)
            let bad = #"{"_flavor":"f1","_max_claim_count":1,"_dead_letter_queue":"dead2"}"#
            #expect(try await client.put("/v2/queues/q", bad).status == 400)
            let good = #"{"_flavor":"f1","_max_claim_count":1,"_dead_letter_queue":"dead1"}"#
            #expect(try await client.put("/v2/queues/q", good).status == 201)
            // The name is kept for the pool of the source.
            #expect(try await client.put("/v2/queues/dead1", #"{"_flavor":"f2"}"#).status == 400)
            let type = ("Content-Type", "application/openstack-messaging-v2.0-json-patch")
            let body = #"[{"op":"replace","path":"/metadata/_dead_letter_queue","value":"dead2"}]"#
            #expect(try await client.send("PATCH", "/v2/queues/q", body, headers: [type]).status == 400)

            #expect(try await client.postMessages(["1"], to: "q").count == 1)
            #expect(try await client.post("/v2/queues/q/claims", #"{"ttl":60,"grace":60}"#).status == 201)
            api.time.pass(seconds: 61)
            #expect(try await client.post("/v2/queues/q/claims", "{}").status == 204)
            #expect(try await client.get("/v2/queues/dead1/stats").text.contains(#""total":1"#))
            #expect(try await Self.metas(servers) == [0, 2, 1])
            #expect(try await client.get("/v2/queues").objects("queues").count == 3)
        }
    }

    @Test func `A-42: health tells of every pool under its name, twice in a row, and of one that is away in time`()
        async throws
    {
        try await Self.withPools(2) { _, admin, servers async throws in
            for _ in 0..<2 {
                let reply = try await admin.get("/v2/health")
                #expect(reply.status == 200 && Set(reply.json.keys) == ["catalog_reachable", "p1", "p2"])
                #expect(reply.json["catalog_reachable"] as? Bool == true)
                for pool in ["p1", "p2"] {
                    let report = reply.json[pool] as? [String: Any]
                    #expect(report?["storage_reachable"] as? Bool == true)
                    let steps = report?["operation_status"] as? [String: [String: Any]] ?? [:]
                    #expect(steps.count == 8 && steps.values.allSatisfy { $0["succeeded"] as? Bool == true })
                }
            }
            for server in servers {
                #expect(try await server.command("KEYS", "*herald-health*").array?.isEmpty == true)
            }
            servers[2].pause()
            let found: Bool? = try await eventually {
                let reply = try await admin.get("/v2/health")
                let far = (reply.json["p2"] as? [String: Any])?["storage_reachable"] as? Bool
                let near = (reply.json["p1"] as? [String: Any])?["storage_reachable"] as? Bool
                return reply.status == 200 && far == false && near == true ? true : nil
            }
            servers[2].resume()
            #expect(found == true)
            await servers[0].kill()
            let down: Bool? = try await eventually {
                try await admin.get("/v2/health").status == 503 ? true : nil
            }
            #expect(down == true)
        }
    }

    @Test func `A-40: health without pools is that of the default store`() async throws {
        try await withAPI(rules: Administrator.rules) { api async throws in
            let reply = try await Administrator(api).get("/v2/health")
            #expect(reply.status == 200 && reply.json["storage_reachable"] as? Bool == true)
        }
    }
}
