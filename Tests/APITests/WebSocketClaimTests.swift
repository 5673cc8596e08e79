import API
import Foundation
import TestKit
import Testing

/// Claims over WebSocket.
struct WebSocketClaimTests {
    private func withMessages(_ body: (RunningAPI, ActionClient) async throws -> Void) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            _ = try await client.post((0..<9).map(String.init), to: "q")
            try await body(api, client)
        }
    }

    @Test func `W-54: A claim is asked for with an object, and with a limit that is allowed`() async throws {
        try await self.withMessages { _, client async throws in
            for body in [#""[""#, #""[]""#, #"".""#, #""fail""#, "[]"] {
                #expect(try await client.call("claim_create", body).status == 400)
                #expect(try await client.call("claim_update", body).status == 400)
            }
            for limit in [0, -1, 21] {
                #expect(
                    try await client.call("claim_create", #"{"queue_name": "q", "limit": \#(limit)}"#).status == 400)
            }
        }
    }

    @Test(arguments: [(-1, -1), (59, 60), (60, 59), (60, 43_201), (43_201, 60)])
    func `W-55: Times beyond their bounds are 400`(ttl: Int, grace: Int) async throws {
        try await self.withMessages { _, client async throws in
            #expect(
                try await client.call("claim_create", #"{"queue_name": "q", "ttl": \#(ttl), "grace": \#(grace)}"#)
                    .status == 400)
            let claim = try await client.call("claim_create", #"{"queue_name": "q"}"#)
            let id = try #require(claim["claim_id"] as? String)
            for ttl in [-1, 59, 43_201] {
                #expect(
                    try await client.call("claim_update", #"{"queue_name": "q", "claim_id": "\#(id)", "ttl": \#(ttl)}"#)
                        .status
                        == 400)
            }
        }
    }

    @Test func `W-56: A claim has defaults, and an update without a ttl sets it back`() async throws {
        try await self.withMessages { _, client async throws in
            let claim = try await client.call("claim_create", #"{"queue_name": "q", "ttl": 100}"#)
            let id = try #require(claim["claim_id"] as? String)
            func ttl() async throws -> Int? {
                try await client.call("claim_get", #"{"queue_name": "q", "claim_id": "\#(id)"}"#)["ttl"] as? Int
            }
            #expect(claim.status == 201)
            #expect(try await ttl() == 100)
            #expect(try await client.call("claim_update", #"{"queue_name": "q", "claim_id": "\#(id)"}"#).status == 204)
            #expect(try await ttl() == 300)
        }
    }

    @Test func `W-57: A claim through its whole life`() async throws {
        try await self.withMessages { api, client async throws in
            let claim = try await client.call("claim_create", #"{"queue_name": "q", "ttl": 100, "grace": 60}"#)
            let id = try #require(claim["claim_id"] as? String)
            let messages = claim.objects("messages")
            #expect(claim.status == 201 && messages.count == 9 && claim.body.count == 2)
            #expect(
                messages.allSatisfy {
                    $0["claim_id"] as? String == id && Set($0.keys) == ["id", "claim_id", "ttl", "age", "body"]
                })
            let again = try await client.call("claim_create", #"{"queue_name": "q"}"#)
            #expect(again.status == 204 && again["claim_id"] is NSNull && again.body.count == 1)
            func listed(_ client: ActionClient, _ more: String) async throws -> Int {
                let reply = try await client.call("message_list", #"{"queue_name": "q"\#(more)}"#)
                #expect(reply.status == 200)
                return reply.objects("messages").count
            }
            #expect(try await listed(client, #", "echo": true"#) == 0)
            #expect(try await listed(client, #", "echo": false"#) == 0)
            #expect(try await listed(client, #", "include_claimed": true"#) == 0)
            #expect(try await listed(try await api.actions(project: client.project), "") == 0)
            #expect(try await listed(client, #", "include_claimed": true, "echo": true"#) == 9)
            let message = try #require(messages[0]["id"] as? String)
            func delete(_ message: String, _ more: String = "") async throws -> ActionReply {
                try await client.call("message_delete", #"{"queue_name": "q", "message_id": "\#(message)"\#(more)}"#)
            }
            let refused = try await delete(message)
            #expect(refused.status == 403 && refused.error?.hasPrefix("This message is claimed;") == true)
            #expect(try await delete(message, #", "claim_id": "\#(id)""#).status == 204)
            func get(_ client: ActionClient) async throws -> ActionReply {
                try await client.call("claim_get", #"{"queue_name": "q", "claim_id": "\#(id)"}"#)
            }
            let foreign = try await get(try await api.actions())
            #expect(foreign.status == 404 && foreign.error == "Claim \(id) does not exist.")
            let shown = try await get(client)
            #expect(
                shown.status == 200 && Set(shown.body.keys) == ["age", "ttl", "messages"] && shown["ttl"] as? Int == 100
            )
            #expect(shown.objects("messages").count == 8)
            let update = #"{"queue_name": "q", "claim_id": "\#(id)", "ttl": 60}"#
            let updated = try await client.call("claim_update", update)
            #expect(updated.status == 204 && updated.word == "Claim \(id) updated.")
            let renewed = try await get(client)
            #expect(renewed["ttl"] as? Int == 60)
            #expect(try #require(renewed["age"] as? Int) < 30)
            let deleted = try await client.call("claim_delete", update)
            #expect(deleted.status == 204 && deleted.word == "Claim \(id) deleted.")
            let other = try #require(messages[1]["id"] as? String)
            #expect(try await delete(other, #", "claim_id": "\#(id)""#).status == 400)
            #expect(
                try await client.call("message_get", #"{"queue_name": "q", "message_id": "\#(other)"}"#).status == 200)
            #expect(try await get(client).status == 404)
            #expect(try await client.call("claim_update", update).error == "Claim \(id) does not exist.")
            #expect(try await client.call("claim_delete", update).status == 204)
        }
    }

    @Test func `W-58: A queue that is not there has nothing to claim`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            #expect(try await client.call("claim_create", #"{"queue_name": "absent"}"#).status == 204)
            let shown = try await client.call("claim_get", #"{"queue_name": "absent", "claim_id": "x"}"#)
            #expect(shown.status == 404 && shown.error == "Claim x does not exist.")
        }
    }
}
