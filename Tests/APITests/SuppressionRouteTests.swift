import API
import Domain
import Foundation
import Store
import TestKit
import Testing

/// `/v2/suppressions`.
struct SuppressionRouteTests {
    @Test func `Addresses are listed with their reason, page by page, and ended`() async throws {
        try await withAPI { api async throws in
            let client = api.client(project: "p")
            let project = try ProjectID("p")
            for number in 0..<3 {
                try await api.store.suppressions.add(
                    "a\(number)@b.example", of: project, .permanent, detail: "550 \(number)")
            }
            let first = try await client.get("/v2/suppressions?limit=2")
            #expect(first.status == 200)
            let addresses = first.objects("suppressions").compactMap { $0["address"] as? String }
            #expect(addresses == ["a0@b.example", "a1@b.example"])
            let second = try await client.get(try #require(first.next))
            #expect(second.objects("suppressions").compactMap { $0["detail"] as? String } == ["550 2"])
            let third = try await client.get(try #require(second.next))
            #expect(third.objects("suppressions").isEmpty && third.next == nil)
            #expect(try await client.get("/v2/suppressions?marker=x").objects("suppressions").isEmpty)
            #expect(try await client.get("/v2/suppressions?limit=0").status == 400)
            #expect(try await api.client().get("/v2/suppressions").objects("suppressions").isEmpty)

            let one = try await client.get("/v2/suppressions/A1%40B.example")
            #expect(one.status == 200 && one.json["reason"] as? String == "permanent")
            #expect((one.json["since"] as? String)?.isEmpty == false)
            #expect(try await client.delete("/v2/suppressions/a1@b.example").status == 204)
            #expect(try await client.delete("/v2/suppressions/a1@b.example").status == 204)
            #expect(try await client.get("/v2/suppressions/a1@b.example").status == 404)
            #expect(try await api.client().get("/v2/suppressions/a0@b.example").status == 404)
        }
    }

    @Test func `A project suppresses an address itself, once`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/suppressions/Jo%2Bx@example.com").status == 201)
            #expect(try await client.put("/v2/suppressions/jo+x@example.com").status == 204)
            #expect(try await client.get("/v2/suppressions/jo+x@example.com").json["reason"] as? String == "manual")
        }
    }

    @Test(arguments: ["", "jo", "jo@", "@example.com", "jo@[127.0.0.1]", "j%0Ao@example.com", "j%C3%B6@example.com"])
    func `What is no address is a 400 that says why`(address: String) async throws {
        try await withAPI { api async throws in
            for method in ["GET", "PUT", "DELETE"] {
                let reply = try await api.client().send(method, "/v2/suppressions/\(address)")
                #expect(reply.status == 400 && reply.words.contains("address"), "\(method)")
            }
        }
    }
}
