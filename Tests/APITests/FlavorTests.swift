import API
import Foundation
import TestKit
import Testing

/// Making, showing and changing flavors.
struct FlavorTests {
    /// An administrator, and pools of these names.
    private static func withPools(
        _ names: [String], _ body: (Administrator, RunningAPI) async throws -> Void
    ) async throws {
        try await withRedis { redis in
            try await withAPI(rules: Administrator.rules, redis: redis) { api in
                let admin = Administrator(api)
                for name in names { #expect(try await admin.putPool(name, redis.uri(name)).status == 201) }
                try await body(admin, api)
            }
        }
    }

    private static let redisCapabilities = ["FIFO", "CLAIMS", "AOD", "HIGH_THROUGHPUT"]

    @Test func `A-20 to A-22: a flavor is put with a list of pools, again and again`() async throws {
        try await Self.withPools(["p", "q"]) { admin, _ async throws in
            let made = try await admin.putFlavor("f", ["p"])
            #expect(made.status == 201 && made.body.isEmpty && made["Location"] == "/v2/flavors/f")
            #expect(try await admin.put("/v2/flavors/f", #"{"pool_list":["p"],"capabilities":{}}"#).status == 201)
            for body in [
                "{}", #"{"capabilities":{}}"#, #"{"pool_list":1}"#, #"{"pool_list":4294967297}"#, #"{"pool_list":[]}"#,
                #"{"pool_list":[1]}"#, #"{"pool_list":["p"],"more":1}"#, #"{"pool_list":["p"],"capabilities":[]}"#,
                "[]",
            ] {
                #expect(try await admin.put("/v2/flavors/f", body).status == 400, "\(body)")
            }
            #expect(try await admin.putFlavor("f", ["q", "p", "q"]).status == 201)
            #expect(try await admin.get("/v2/flavors/f").json["pool_list"] as? [String] == ["p", "q"])
            #expect(try await admin.putFlavor("f", ["q"]).status == 201)
            #expect(try await admin.get("/v2/flavors/f").json["pool_list"] as? [String] == ["q"])
            #expect(try await admin.get("/v2/pools/p").json["flavor"] is NSNull)
        }
    }

    @Test func `A-23 to A-25, A-27: unknown pools and flavors are named, and a flavor is shown whole`() async throws {
        try await Self.withPools(["p"]) { admin, _ async throws in
            let missing = try await admin.putFlavor("f", ["p", "no pool"])
            #expect(missing.status == 400)
            let expected =
                "{\"title\":\"Unable to create\",\"description\":\"Flavor f could not be created, "
                + "error:Pool no pool does not exist\"}"
            #expect(missing.text == expected)
            #expect(try await admin.get("/v2/flavors/f").status == 404)
            #expect(try await admin.patch("/v2/flavors/f", #"{"pool_list":["p"]}"#).status == 404)
            #expect(try await admin.patch("/v2/flavors/f", #"{"pool_list":["none"]}"#).status == 404)
            #expect(try await admin.putFlavor("f", ["p"]).status == 201)
            let shown = try await admin.get("/v2/flavors/f").json
            #expect(Set(shown.keys) == ["name", "href", "pool_list", "capabilities"])
            #expect(shown["name"] as? String == "f" && shown["href"] as? String == "/v2/flavors/f")
            #expect(shown["pool_list"] as? [String] == ["p"])
            #expect(shown["capabilities"] as? [String] == Self.redisCapabilities)
            for _ in 0..<2 { #expect(try await admin.delete("/v2/flavors/f").status == 204) }
            #expect(try await admin.get("/v2/flavors/f").status == 404)
        }
    }

    @Test func `A-26: a patch names the pools, and nothing else counts`() async throws {
        try await Self.withPools(["p", "q"]) { admin, _ async throws in
            #expect(try await admin.putFlavor("f", ["p"]).status == 201)
            for body in [
                #"{"location":1}"#, #"{"capabilities":-1}"#, #"{"capabilities":"wee"}"#, #"{"capabilities":[]}"#,
                #"{"pool_list":-1}"#, #"{"pool_list":4294967297}"#, #"{"pool_list":[]}"#,
            ] {
                #expect(try await admin.patch("/v2/flavors/f", body).status == 400, "\(body)")
            }
            let patched = try await admin.patch(
                "/v2/flavors/f", #"{"pool_list":["q"],"capabilities":[],"location":1}"#)
            #expect(patched.status == 200 && patched.json["pool_list"] as? [String] == ["q"])
            #expect(patched.json["name"] as? String == "f" && patched.json["href"] as? String == "/v2/flavors/f")
            #expect(patched.json["capabilities"] as? [String] == Self.redisCapabilities)
            #expect(try await admin.get("/v2/pools/p").json["flavor"] is NSNull)
            let unknown = try await admin.patch("/v2/flavors/f", #"{"pool_list":["none"]}"#)
            #expect(unknown.status == 400 && unknown.title == "updatefail")
        }
    }

    @Test func `A-28, A-29, A-31: flavors are listed by name, page by page, to their own project`() async throws {
        let names = (0..<15).map { "\($0)" }
        try await Self.withPools(names) { admin, api async throws in
            #expect(try await admin.get("/v2/flavors").text == #"{"flavors":[],"links":[]}"#)
            for name in names { #expect(try await admin.putFlavor(name, [name]).status == 201) }
            let sorted = names.sorted()
            for limit in [1, 5, 10, 15] {
                let page = try await admin.get("/v2/flavors?limit=\(limit)&detailed=True")
                #expect(page.objects("flavors").compactMap { $0["name"] as? String } == Array(sorted.prefix(limit)))
                let first = try #require(page.objects("flavors").first)
                #expect(first["capabilities"] as? [String] == Self.redisCapabilities)
                #expect(first["pool_list"] as? [String] == ["0"] && first["href"] as? String == "/v2/flavors/0")
                let next = try #require(page.next)
                #expect(next.contains("detailed=true") && next.contains("marker=\(sorted[limit - 1])"))
                #expect(try await admin.get(next).objects("flavors").count == min(limit, 15 - limit))
            }
            let plain = try await admin.get("/v2/flavors?detailed=false")
            #expect(plain.objects("flavors").allSatisfy { $0["capabilities"] == nil })
            #expect(plain.next?.contains("detailed=false") == true)
            #expect(try await admin.get("/v2/flavors?limit=0").status == 400)
            for number in 10..<15 { _ = try await admin.delete("/v2/flavors/\(number)") }
            let behind = try await admin.get("/v2/flavors?marker=3").objects("flavors")
            #expect(behind.count == 6 && behind.first?["name"] as? String == "4")

            let other = Administrator(api)
            #expect(try await other.get("/v2/flavors").objects("flavors").isEmpty)
            #expect(try await other.get("/v2/flavors/0").status == 404)
            #expect(try await other.client.put("/v2/queues/q", #"{"_flavor":"0"}"#).status == 400)
            // Taking away one's own of the same name takes nothing from others.
            #expect(try await other.putFlavor("0", ["0"]).status == 201)
            #expect(try await other.delete("/v2/flavors/0").status == 204)
            #expect(try await admin.get("/v2/flavors/0").json["pool_list"] as? [String] == ["0"])
        }
    }

    @Test func `A-30: a pool moves to the flavor that names it last, and the other one stays without it`() async throws
    {
        try await Self.withPools(["p"]) { admin, _ async throws in
            #expect(try await admin.putFlavor("a", ["p"]).status == 201)
            let last = try await admin.delete("/v2/pools/p")
            #expect(last.status == 403 && last.title == "Unable to delete" && last.words.contains("flavor a"))
            #expect(try await admin.putFlavor("b", ["p"]).status == 201)
            #expect(try await admin.get("/v2/flavors/b").json["pool_list"] as? [String] == ["p"])
            #expect(try await admin.get("/v2/flavors/a").json["pool_list"] as? [String] == [])
            let listed = try await admin.get("/v2/flavors").objects("flavors")
            #expect(listed.count == 2 && listed.first?["pool_list"] == nil && listed.last?["pool_list"] != nil)
            #expect(try await admin.client.put("/v2/queues/q", #"{"_flavor":"a"}"#).status == 400)
            #expect(try await admin.delete("/v2/flavors/b").status == 204)
            #expect(try await admin.delete("/v2/flavors/a").status == 204)
            #expect(try await admin.delete("/v2/pools/p").status == 204)
        }
    }
}
