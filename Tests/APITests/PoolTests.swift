import API
import Foundation
import Redis
import TestKit
import Testing

/// Registering, showing and changing pools.
struct PoolTests {
    private static func withAdmin(
        tcp: Bool = false, _ body: (Administrator, RedisServer) async throws -> Void
    ) async throws {
        try await withRedis(tcp: tcp) { redis in
            try await withAPI(rules: Administrator.rules, redis: redis) { api in
                try await body(Administrator(api), redis)
            }
        }
    }

    @Test func `A-1, A-2, A-4, A-5: a pool needs a URI and a weight, and each member is of its kind`() async throws {
        try await Self.withAdmin { admin, redis async throws in
            let whole = try await admin.putPool("p", redis.url, flavor: "f", options: "{}")
            #expect(whole.status == 201 && whole.body.isEmpty && whole["Location"] == "/v2/pools/p")
            for body in ["{\"uri\":\"\(redis.url)\"}", "{\"weight\":1}", "[]", "1", "{", "{}"] {
                #expect(try await admin.put("/v2/pools/q", body).status == 400, "\(body)")
            }
            for weight in ["-1", "4294967297", "\"big\"", "1.5", "null", "[]"] {
                let body = "\"weight\":\(weight)"
                #expect(try await admin.put("/v2/pools/q", "{\"uri\":\"\(redis.uri("q"))\",\(body)}").status == 400)
                #expect(try await admin.patch("/v2/pools/p", "{\(body)}").status == 400)
            }
            for uri in [
                "-1", "4294967297", "[]", "\"localhost:27017\"", "\"mongodb://localhost\"", "\"redis:/x\"", "\"\"",
                "\"rediss://localhost\"", "\"redis://a,b\"", "\"redis+cluster://a\"",
                "\"redis://\(String(repeating: "x", count: 255))\"",
            ] {
                #expect(try await admin.put("/v2/pools/q", "{\"weight\":1,\"uri\":\(uri)}").status == 400, "\(uri)")
                #expect(try await admin.patch("/v2/pools/p", "{\"uri\":\(uri)}").status == 400, "\(uri)")
            }
            for options in ["-1", "\"wee\"", "[]"] {
                let body = "\"options\":\(options)"
                #expect(
                    try await admin.put("/v2/pools/q", "{\"uri\":\"\(redis.uri("q"))\",\"weight\":1,\(body)}").status
                        == 400)
                #expect(try await admin.patch("/v2/pools/p", "{\(body)}").status == 400)
            }
            let unknown = "{\"uri\":\"\(redis.uri("q"))\",\"weight\":1,\"location\":1}"
            #expect(try await admin.put("/v2/pools/q", unknown).status == 400)
            #expect(try await admin.putPool("a%20b", redis.uri("q")).status == 400)
            #expect(try await admin.get("/v2/pools").objects("pools").count == 1)
        }
    }

    @Test func `A-6, A-8, A-9: a pool is shown as it was put, its URI is its own, and it goes`() async throws {
        try await Self.withAdmin { admin, redis async throws in
            #expect(try await admin.putPool("p", redis.url, weight: 7).status == 201)
            let taken = try await admin.putPool("q", redis.url)
            #expect(taken.status == 409 && taken.title == "Resource conflict")
            #expect(try await admin.putPool("p", redis.url, weight: 8, flavor: "f").status == 201)
            let plain = try await admin.get("/v2/pools/p")
            #expect(plain.status == 200 && Set(plain.json.keys) == ["name", "href", "uri", "weight", "flavor"])
            #expect(plain.json["name"] as? String == "p" && plain.json["href"] as? String == "/v2/pools/p")
            #expect(plain.json["uri"] as? String == redis.url && plain.json["weight"] as? Int == 8)
            #expect(plain.json["flavor"] as? String == "f")
            let detailed = try await admin.get("/v2/pools/p?detailed=true")
            #expect((detailed.json["options"] as? [String: Any])?.isEmpty == true)
            let page = try await admin.get("/v2/pools")
            #expect(page.objects("pools").first?["options"] == nil)
            #expect(try await admin.get("/v2/pools?detailed=True").objects("pools").first?["options"] != nil)
            let cleared = try await admin.patch("/v2/pools/p", #"{"flavor":""}"#)
            #expect(cleared.status == 200 && cleared.json["flavor"] is NSNull)
            for _ in 0..<2 { #expect(try await admin.delete("/v2/pools/p").status == 204) }
            #expect(try await admin.get("/v2/pools/p").status == 404)
            #expect(try await admin.get("/v2/pools/other").title == "Not found")
        }
    }

    @Test func `A-7: pools of one flavor promise the same`() async throws {
        try await withServers(3, appendOnly: true) { servers async throws in
            try await withAPI(rules: Administrator.rules, redis: servers[0]) { api async throws in
                let admin = Administrator(api)
                let durable = #"{"durable":true}"#
                #expect(try await admin.putPool("a", servers[1].url, flavor: "f", options: durable).status == 201)
                let other = try await admin.putPool("b", servers[2].url, flavor: "f")
                #expect(other.status == 400 && other.title == "Unable to create pool")
                #expect(try await admin.putPool("b", servers[2].url, flavor: "g").status == 201)
                #expect(try await admin.patch("/v2/pools/b", #"{"flavor":"f"}"#).status == 400)
                let both = #"{"flavor":"f","options":{"durable":true}}"#
                #expect(try await admin.patch("/v2/pools/b", both).status == 200)
                #expect(try await admin.putFlavor("f", ["a", "b"]).status == 201)
                let names = try await admin.get("/v2/flavors/f").json["capabilities"] as? [String]
                #expect(names == ["FIFO", "CLAIMS", "DURABILITY", "AOD", "HIGH_THROUGHPUT"])
            }
        }
    }

    @Test func `A-10, A-15: a patch changes what it names, and options may hold anything`() async throws {
        try await Self.withAdmin { admin, redis async throws in
            #expect(try await admin.putPool("p", redis.url, options: #"{"database":"x"}"#).status == 201)
            #expect(try await admin.patch("/v2/pools/p", #"{"location":1}"#).status == 400)
            #expect(try await admin.patch("/v2/pools/none", #"{"weight":1}"#).status == 404)
            let body = "{\"weight\":3,\"uri\":\"\(redis.uri("x"))\",\"options\":{\"a\":1},\"location\":1}"
            let patched = try await admin.patch("/v2/pools/p", body)
            #expect(patched.status == 200 && patched.json["options"] == nil)
            #expect(patched.json["weight"] as? Int == 3 && patched.json["uri"] as? String == redis.uri("x"))
            let detailed = try await admin.get("/v2/pools/p?detailed=true")
            #expect(detailed.text.contains(#""options":{"a":1}"#))
            #expect(try await admin.putPool("p", redis.url, options: #"{"3":3}"#).status == 201)
            #expect(try await admin.get("/v2/pools/p?detailed=true").text.contains(#""options":{"3":3}"#))
        }
    }

    @Test func `A-11, A-12, A-18: pools are listed by name, page by page`() async throws {
        try await Self.withAdmin { admin, redis async throws in
            let empty = try await admin.get("/v2/pools")
            #expect(empty.status == 200 && empty.text == #"{"pools":[],"links":[]}"#)
            #expect(try await admin.putPool("0", redis.uri("0")).status == 201)
            #expect(try await admin.get("/v2/pools").objects("pools").count == 1)
            for number in 1..<15 { try await admin.putPool("\(number)", redis.uri("\(number)")) }
            let names = (0..<15).map { "\($0)" }.sorted()
            for limit in [1, 5, 10, 15] {
                let page = try await admin.get("/v2/pools?limit=\(limit)&detailed=False")
                #expect(page["Content-Location"] == "/v2/pools?limit=\(limit)&detailed=False")
                #expect(page.objects("pools").compactMap { $0["name"] as? String } == Array(names.prefix(limit)))
                let next = try #require(page.next)
                #expect(next.contains("marker=\(names[limit - 1])") && next.contains("limit=\(limit)"))
                #expect(next.contains("detailed=false"))
                let rest = try await admin.get(next)
                #expect(
                    rest.objects("pools").compactMap { $0["name"] as? String }
                        == Array(names.dropFirst(limit).prefix(limit)))
            }
            let bare = try await admin.get("/v2/pools")
            #expect(bare.objects("pools").count == 10 && bare.next == "/v2/pools?marker=\(names[9])")
            #expect(try await admin.get("/v2/pools?marker=zzz").text == #"{"pools":[],"links":[]}"#)
            for limit in ["0", "21", "x"] { #expect(try await admin.get("/v2/pools?limit=\(limit)").status == 400) }
            for number in 10..<15 { _ = try await admin.delete("/v2/pools/\(number)") }
            let behind = try await admin.get("/v2/pools?marker=3").objects("pools")
            #expect(behind.count == 6 && behind.first?["name"] as? String == "4")
        }
    }

    @Test func `A-13: URIs of one Redis that are spelled differently are pools side by side`() async throws {
        try await Self.withAdmin(tcp: true) { admin, redis async throws in
            let endpoint = try #require(redis.tcpEndpoint)
            guard case .tcp(let host, let port) = endpoint.address else { return }
            let stem = "redis://\(host):\(port)"
            var uris = [stem, "\(stem)/test", "\(stem)/\(UUID().uuidString)", "\(stem)?dbid=9&t=last"]
            uris += (0..<15).map { "\(stem)/test\($0)" }
            for (number, uri) in uris.enumerated() {
                #expect(try await admin.putPool("p\(number)", uri).status == 201, "\(uri)")
                #expect(try await admin.get("/v2/pools/p\(number)").json["uri"] as? String == uri)
                // One's own is no conflict.
                #expect(try await admin.putPool("p\(number)", uri).status == 201)
                #expect(try await admin.patch("/v2/pools/p\(number)", "{\"uri\":\"\(uri)\"}").status == 200)
            }
            #expect(try await admin.putPool("far", "\(stem)?dbid=99").status == 400)
        }
    }

    @Test func `A-14: a flavor named by a pool need not exist, and holds no pool back`() async throws {
        try await Self.withAdmin { admin, redis async throws in
            #expect(try await admin.putPool("p", redis.url, flavor: "absent").status == 201)
            #expect(try await admin.patch("/v2/pools/p", #"{"flavor":""}"#).status == 200)
            #expect(try await admin.patch("/v2/pools/p", #"{"flavor":"absent"}"#).status == 200)
            #expect(try await admin.delete("/v2/pools/p").status == 204)
        }
    }

    @Test func `A-16: a Redis that is not there, or cannot be used, is no pool`() async throws {
        try await Self.withAdmin { admin, redis async throws in
            #expect(try await admin.putPool("p", redis.url).status == 201)
            let port = try await freeLoopbackPort()
            for name in ["p", "new"] {
                let reply = try await admin.putPool(name, "redis://user:secret@127.0.0.1:\(port)")
                #expect(reply.status == 400 && reply.title == "Invalid request body")
                #expect(reply.words == "cannot connect to redis://user:***@127.0.0.1:\(port)")
            }
            #expect(try await admin.patch("/v2/pools/p", "{\"uri\":\"redis://127.0.0.1:\(port)\"}").status == 400)
            #expect(try await admin.get("/v2/pools/p").json["uri"] as? String == redis.url)
            try await withRedis { paused in
                paused.pause()
                let reply = try await admin.putPool("paused", paused.url)
                paused.resume()
                #expect(reply.status == 400 && reply.words.hasPrefix("cannot connect to "))
            }
            let evicting = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]
            try await withRedis(arguments: evicting) { evicts in
                let reply = try await admin.putPool("evicts", evicts.url)
                #expect(reply.status == 400 && reply.words.contains("noeviction"))
            }
            try await withRedis { sharded in
                try await sharded.command("SET", "herald:{control}:shards", "8")
                let reply = try await admin.putPool("sharded", sharded.url)
                #expect(reply.status == 400 && reply.words.contains("8 shards"))
            }
        }
    }

    @Test func `A password is never shown, and comes back hidden without being lost`() async throws {
        try await withRedis(password: "a-secret") { guarded in
            try await Self.withAdmin { admin, _ async throws in
                guard case .unix(let path) = guarded.endpoint.address else { return }
                let (given, shown) = ("unix://:a-secret@\(path)", "unix://:***@\(path)")
                #expect(try await admin.putPool("p", given).status == 201)
                for reply in [
                    try await admin.get("/v2/pools/p"), try await admin.get("/v2/pools"),
                    try await admin.patch("/v2/pools/p", "{\"weight\":5,\"uri\":\"\(shown)\"}"),
                ] {
                    #expect(reply.status == 200 && !reply.text.contains("a-secret"))
                    #expect(reply.text.contains(shown.replacing("/", with: "/")))
                }
                #expect(try await admin.client.put("/v2/queues/q").status == 201)
                #expect(try await guarded.queueCount() == 1)
                #expect(try await admin.putPool("q", "unix://:wrong@\(path)").status == 400)
            }
        }
    }

    @Test func `Sentinels are a pool in the form of the API, and their password is not shown either`() async throws {
        try await withSentinels(password: "of-sentinels") { sentinels in
            try await Self.withAdmin { admin, redis async throws in
                let uri = sentinels.poolURI
                #expect(try await admin.putPool("p", uri).status == 201)
                let shown = try await admin.get("/v2/pools/p").text
                #expect(shown.contains("&sentinel_password=***") && shown.contains("redis://:***@"))
                #expect(!shown.contains("of-sentinels") && !shown.contains(SentinelDeployment.serverPassword))
                #expect(try await admin.client.put("/v2/queues/q").status == 201)
                let first = try await sentinels.master()
                let counts = [try await first.queueCount(), try await redis.queueCount()]
                #expect(counts == [1, 0])
                let second = try await sentinels.failOver()
                // What the master of before takes until it knows better is lost.
                var number = 0
                let made: Bool? = try await eventually {
                    number += 1
                    _ = try await admin.client.put("/v2/queues/later\(number)")
                    return try await second.queueCount() > 1 ? true : nil
                }
                #expect(made == true)
                for bad in [uri.replacing("=of-", with: "=not-of-"), uri.replacing("master=", with: "master=no-")] {
                    let reply = try await admin.putPool("q", bad)
                    #expect(reply.status == 400 && !reply.text.contains("of-sentinels"), "\(bad)")
                }
            }
        }
    }

    @Test func `A cluster is a pool`() async throws {
        try await withRedisCluster { cluster async throws in
            try await Self.withAdmin { admin, redis async throws in
                #expect(try await admin.putPool("p", cluster.url).status == 201)
                for number in 0..<6 {
                    #expect(try await admin.client.postMessages(["\(number)"], to: "q\(number)").count == 1)
                    #expect(try await admin.client.put("/v2/queues/made\(number)").status == 201)
                }
                #expect(try await redis.queueCount() == 0)
                var counts: [Int] = []
                for master in cluster.masters { counts.append(try await master.queueCount()) }
                #expect(counts.reduce(0, +) == 12 && counts.filter { $0 > 0 }.count > 1, "\(counts)")
            }
        }
    }

    @Test func `Pools are there with the routes of administrators, for administrators, unless they are switched off`()
        async throws
    {
        let paths = ["/v2/pools", "/v2/pools/p", "/v2/flavors", "/v2/flavors/f"]
        try await withAPI { api async throws in
            for path in paths { #expect(try await Administrator(api).get(path).title == "404 Not Found") }
        }
        var rules = Administrator.rules
        rules.hasPools = false
        try await withAPI(rules: rules) { api async throws in
            let admin = Administrator(api)
            for path in paths { #expect(try await admin.get(path).title == "404 Not Found") }
            #expect(try await admin.get("/v2/health").status == 200)
            let homeDocument = try await admin.get("/v2/").json["resources"] as? [String: Any]
            #expect(homeDocument?["rel/health"] != nil && homeDocument?["rel/pools"] == nil)
        }
        try await withAPI(rules: Administrator.rules) { api async throws in
            let client = api.client()
            for path in ["/v2/pools", "/v2/pools/p"] { #expect(try await client.get(path).status == 403) }
            #expect(try await client.put("/v2/pools/p", "{}").title == "Not authorized")
            #expect(try await client.put("/v2/flavors/f", "{}").status == 403)
            #expect(try await client.patch("/v2/flavors/f", "{}").status == 403)
            #expect(try await client.delete("/v2/flavors/f").status == 403)
            #expect(try await client.get("/v2/flavors").status == 200)
            #expect(try await client.get("/v2/flavors/f").status == 404)
            let post = try await Administrator(api).send("POST", "/v2/pools/p", "{}")
            #expect(post.status == 405 && post["Allow"]?.contains("PATCH") == true)
            let homeDocument = try await client.get("/v2/").json["resources"] as? [String: [String: Any]]
            #expect(homeDocument?["rel/pool"]?["href-template"] as? String == "/v2/pools/{pool_name}")
            #expect(homeDocument?["rel/flavors"]?["href-template"] as? String == "/v2/flavors{?detailed,limit,marker}")
        }
    }
}
