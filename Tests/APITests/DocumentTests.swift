import API
import Foundation
import TestKit
import Testing

struct DocumentTests {
    @Test func `The version document is exact and asks for nothing (V-1, V-2)`() async throws {
        try await withAPI { api async throws in
            let expected = """
                {"versions": [{"id": "2", "status": "CURRENT", "updated": "2014-9-24T04:06:47Z",
                  "media-types": [{"base": "application/json", "type": "application/vnd.openstack.messaging-v2+json"}],
                  "links": [{"href": "/v2/", "rel": "self"}]}]}
                """
            let object = try JSONSerialization.jsonObject(with: Data(expected.utf8)) as? NSDictionary
            for reply in [try await HTTPCaller(api.address).send("GET", "/"), try await api.client().get("/")] {
                #expect(reply.status == 300)
                #expect(reply.json as NSDictionary == object)
            }
        }
    }

    @Test func `The home document lists what is routed, and only that (H-1 to H-4)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let reply = try await client.get("/v2/")
            #expect(reply.status == 200)
            #expect(reply["Content-Type"] == "application/json-home" && reply["Cache-Control"] == "max-age=86400")
            let resources = try #require(reply.json["resources"] as? [String: [String: Any]])
            #expect(resources.count == 46)
            for (relation, resource) in resources {
                let template = try #require(resource["href-template"] as? String)
                #expect(template.hasPrefix("/v2"), "\(relation)")
                let hints = try #require(resource["hints"] as? [String: Any])
                let path = template.replacing(/\{\?[^}]*\}/, with: "").replacing(/\{[^}]*\}/, with: "foo")
                for method in try #require(hints["allow"] as? [String]) {
                    // A stream, which has no end, is not JSON.
                    let answer = try await client.send(method, path, headers: [("Accept", "application/json")])
                    #expect(answer.status != 405 && answer.title != "404 Not Found", "\(relation) \(method) \(path)")
                }
            }
            #expect(resources["rel/queue"]?["href-template"] as? String == "/v2/queues/{queue_name}")
            #expect(resources["rel/ping"]?["href-vars"] == nil)
        }
    }
}
