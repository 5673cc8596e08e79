import API
import Foundation
import TestKit
import Testing

/// Over WebSocket too an id is good in its own queue of its own project, and nowhere else.
struct WebSocketIsolationTests {
    /// Every action with a body that names something; `M`, `C`, `S` stand for ids.
    private static let rows: [(action: String, body: String)] = [
        ("queue_list", "{}"), ("queue_get", #"{"queue_name": "own"}"#), ("queue_get_stats", #"{"queue_name": "own"}"#),
        ("message_list", #"{"queue_name": "own", "echo": true, "include_claimed": true}"#),
        ("message_list", #"{"queue_name": "own", "marker": "M", "echo": true}"#),
        ("message_get", #"{"queue_name": "own", "message_id": "M"}"#),
        ("message_get_many", #"{"queue_name": "own", "message_ids": ["M"]}"#),
        ("message_delete", #"{"queue_name": "own", "message_id": "M"}"#),
        ("message_delete", #"{"queue_name": "own", "message_id": "M", "claim_id": "C"}"#),
        ("message_delete_many", #"{"queue_name": "own", "message_ids": ["M"]}"#),
        ("message_delete_many", #"{"queue_name": "own", "message_ids": ["M"], "claim_ids": ["C"]}"#),
        ("message_delete_many", #"{"queue_name": "own", "pop": 5}"#), ("claim_create", #"{"queue_name": "own"}"#),
        ("claim_get", #"{"queue_name": "own", "claim_id": "C"}"#),
        ("claim_update", #"{"queue_name": "own", "claim_id": "C"}"#),
        ("claim_delete", #"{"queue_name": "own", "claim_id": "C"}"#), ("subscription_list", #"{"queue_name": "own"}"#),
        ("subscription_list", #"{"queue_name": "own", "marker": "S"}"#),
        ("subscription_get", #"{"queue_name": "own", "subscription_id": "S"}"#),
        ("subscription_delete", #"{"queue_name": "own", "subscription_id": "S"}"#),
        ("queue_purge", #"{"queue_name": "own"}"#), ("queue_delete", #"{"queue_name": "own"}"#),
        ("queue_create", #"{"queue_name": "own"}"#),
        ("subscription_create", #"{"queue_name": "own", "subscriber": "http://b"}"#),
        ("subscription_create", #"{"queue_name": "own", "options": {"_from": "M"}}"#),
        ("notification_ack", #"{"queue_name": "own", "delivery_ids": ["M"]}"#),
        ("notification_reject", #"{"queue_name": "own", "delivery_ids": ["M"], "delay": 1}"#),
        ("message_post", #"{"queue_name": "own", "messages": [{"body": 1}]}"#),
    ]

    @Test func `Every action is in the table`() {
        #expect(Set(Self.rows.map(\.action) + ["authenticate"]) == Set(ActionTable.actions.map(\.name)))
    }

    @Test func `Rules of the policy are those of REST`() {
        let rules = Set(RouteTable.policyRules)
        for action in ActionTable.actions where action.name != "authenticate" {
            #expect(action.rule.map(rules.contains) == true, "\(action.name)")
        }
    }

    @Test func `An id of another project is answered like an unknown one, and nothing happens`() async throws {
        try await withAPI { api async throws in
            let (owner, stranger, other) = (try await api.actions(), try await api.actions(), try await api.actions())
            let ids = try await owner.post(["1", "2"], to: "own")
            let claim = try await owner.call("claim_create", #"{"queue_name": "own", "limit": 1}"#)
            let subscribed = try await owner.call(
                "subscription_create", #"{"queue_name": "own", "subscriber": "http://a"}"#)
            let claimID = try #require(claim["claim_id"] as? String)
            let subscription = try #require(subscribed["subscription_id"] as? String)
            // As well formed as ours, and never issued.
            func unknown(_ id: String) -> String { String(id.dropLast()) + (id.hasSuffix("0") ? "8" : "0") }
            func filled(_ body: String, _ message: String, _ claim: String, _ subscription: String) -> String {
                body.replacing("\"M\"", with: "\"\(message)\"").replacing("\"C\"", with: "\"\(claim)\"")
                    .replacing("\"S\"", with: "\"\(subscription)\"")
            }
            let before = try await self.look(owner, ids, claimID, subscription)
            for (action, body) in Self.rows {
                let real = filled(body, ids[1], claimID, subscription)
                let made = filled(body, unknown(ids[1]), unknown(claimID), unknown(subscription))
                let one = try await stranger.call(action, real)
                let another = try await other.call(action, made)
                #expect(one.status == another.status, "\(action) \(real) \(one.text) \(another.text)")
                if action.hasSuffix("_get") || action.hasSuffix("_list") || action.hasSuffix("_many") {
                    for id in ids + [claimID, subscription] {
                        #expect(!"\(one.body)".contains(id) || one.status == 404, "\(action) \(one.text)")
                    }
                }
            }
            #expect(try await self.look(owner, ids, claimID, subscription) == before)
        }
    }

    /// What the owner sees, ages left out.
    private func look(
        _ client: ActionClient, _ ids: [String], _ claim: String, _ subscription: String
    ) async throws -> [String] {
        var seen: [String] = []
        for (action, body) in [
            ("message_get", #"{"queue_name": "own", "message_id": "\#(ids[0])"}"#),
            ("message_get", #"{"queue_name": "own", "message_id": "\#(ids[1])"}"#),
            ("claim_get", #"{"queue_name": "own", "claim_id": "\#(claim)"}"#),
            ("subscription_get", #"{"queue_name": "own", "subscription_id": "\#(subscription)"}"#),
            ("queue_get_stats", #"{"queue_name": "own"}"#), ("subscription_list", #"{"queue_name": "own"}"#),
            ("queue_list", #"{"detailed": true}"#),
        ] {
            seen.append(try await client.call(action, body).text.replacing(/"age":\d+/, with: ""))
        }
        return seen
    }
}
