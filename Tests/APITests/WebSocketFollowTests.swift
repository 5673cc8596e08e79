import API
import Domain
import Foundation
import Operations
import TestKit
import Testing

/// Connections that follow a queue from a place on.
struct WebSocketFollowTests {
    private static let messageKeys: Set<String> = [
        "body", "ttl", "queue_name", "Message_Type", "id", "sequence", "place",
    ]

    @Test(arguments: [false, true])
    func `What is stored and what comes arrives behind the answer, each with its number and its place`(isBinary: Bool)
        async throws
    {
        try await withAPI { api async throws in
            var client = try await api.actions(isBinary: isBinary)
            let ids = try await client.post(["1", #"{"a": [2]}"#, "3"], to: "q", ttl: 600)
            let created = try await client.call(
                "subscription_create", #"{"queue_name": "q", "options": {"_from": "oldest"}}"#)
            #expect(created.status == 201 && Set(created.body.keys) == ["subscription_id", "message", "place"])
            #expect(
                created["message"] as? String == "Subscription q created." && created["place"] as? String == "oldest")
            #expect(SubscriptionID(created["subscription_id"] as? String ?? "") != nil)
            // The format is that of the request that began it.
            client.isBinary.toggle()
            for (index, id) in ids.enumerated() {
                let frame = try await client.reply()
                #expect(
                    frame.isBinary == isBinary && Set(frame.document.allKeys as? [String] ?? []) == Self.messageKeys)
                #expect(frame.document["id"] as? String == id && frame.document["sequence"] as? Int == index + 1)
                #expect(frame.document["place"] as? String == "\(id).\(index + 1)")
                #expect(frame.document["queue_name"] as? String == "q" && frame.document["ttl"] as? Int == 600)
                #expect(frame.document["Message_Type"] as? String == "Notification")
                if index == 1 { #expect(frame.document["body"] as? NSDictionary == ["a": [2]]) }
            }
            // The answer to a post comes before what it causes; claimed and delayed ones come, too.
            #expect(try await client.call("claim_create", #"{"queue_name": "q"}"#).status == 201)
            let body = #"{"queue_name": "q", "messages": [{"body": 4, "ttl": 60, "delay": 40}]}"#
            #expect(try await client.call("message_post", body).status == 201)
            let delayed = try await client.reply()
            #expect(delayed.document["body"] as? Int == 4 && delayed.document["delay"] as? Int == 40)
        }
    }

    @Test func `A message that is held back comes when it is posted`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            _ = try await client.follow("q", from: "now")
            let rest = api.client(project: client.project)
            // It ends with nothing before what follows would look again by itself.
            async let waiting = rest.post("/v2/queues/empty/claims?wait=10", nil)
            let areWaiting = try await eventually { api.waits.count == 2 ? true : nil }
            #expect(areWaiting == true)
            let delayed = #"{"queue_name": "q", "messages": [{"body": 1, "ttl": 600, "delay": 60}]}"#
            #expect(try await client.call("message_post", delayed).status == 201)
            #expect(try await client.numbers(1) == [1])
            _ = try await client.post(["2"], to: "empty")
            #expect(try await waiting.status == 201)
        }
    }

    @Test func `A connection begins now, with the oldest, behind an id, or at a place`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let ids = try await client.post(["1", "2", "3"], to: "q")
            for (from, expected) in [("oldest", [1, 2, 3]), (ids[1], [3]), ("\(ids[1]).2", [3])] {
                let other = try await api.actions(project: client.project)
                #expect(try await other.follow("q", from: from).place == from)
                #expect(try await other.numbers(expected.count) == expected, "\(from)")
                await other.socket.close()
            }
            // One whose connection ends before anything came goes on where it began.
            let first = try await api.actions(project: client.project)
            let place = try await first.follow("q", from: "now").place
            await first.socket.close()
            _ = try await client.post(["4", "5"], to: "q")
            let second = try await api.actions(project: client.project)
            #expect(try await second.follow("q", from: place).place == place)
            #expect(try await second.numbers(2) == [4, 5])
            // A queue that is not there is not made, and may be followed.
            let none = try await second.follow("none", from: "now")
            #expect(none.place.hasSuffix(".0"))
            #expect(try await second.call("queue_get_stats", #"{"queue_name": "none"}"#).status == 404)
            _ = try await client.post(["6"], to: "none")
            #expect(try await second.numbers(1) == [6])
        }
    }

    @Test func `What no connection can begin at, and what no subscriber can do, is refused`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let id = try #require(try await client.post(["1"], to: "other").first)
            for from in [
                #""yesterday""#, "7", "[]", #""""#, #""\#(id)""#, #""\#(id).1""#, #""06a4k1zzzzzzzzzzzzzzzzzzzz""#,
            ] {
                let reply = try await client.call(
                    "subscription_create", #"{"queue_name": "q", "options": {"_from": \#(from)}}"#)
                #expect(reply.status == 400 && reply.exception?.isEmpty == false, "\(from)")
            }
            let options = #""options": {"_from": "now", "_rate_limit": {"max_per_second": 5}}"#
            #expect(try await client.call("subscription_create", #"{"queue_name": "q", \#(options)}"#).status == 400)
            let named = try await client.call(
                "subscription_create", #"{"queue_name": "q", "subscriber": "http://a", "options": {"_from": "now"}}"#)
            #expect(named.status == 400 && named.exception?.contains("_from") == true)
            let rest = api.client(project: client.project)
            let path = "/v2/queues/q/subscriptions"
            let body = #"{"subscriber": "http://a", "options": {"_from": "now"}}"#
            #expect(try await rest.post(path, body).status == 400)
            // Another project's queue of that name is another queue.
            let stranger = try await api.actions()
            let reply = try await stranger.call(
                "subscription_create", #"{"queue_name": "other", "options": {"_from": "\#(id)"}}"#)
            #expect(reply.status == 400)
            _ = try await stranger.follow("other", from: "oldest")
            _ = try await stranger.post(["2"], to: "other")
            let own = try await stranger.reply()
            #expect(own.document["body"] as? Int == 2 && own.document["sequence"] as? Int == 1)
            // As if it had not been given.
            let null = try await client.call("subscription_create", #"{"queue_name": "q", "options": {"_from": null}}"#)
            #expect(null.status == 201 && null["place"] == nil)
            #expect(try await rest.get(path).objects("subscriptions").count == 1)
        }
    }

    // MARK: - Subscriptions

    @Test func `A connection has one subscription of a queue, of either kind, and follows sixteen`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            func create(_ queue: String, _ options: String) async throws -> ActionReply {
                try await client.call(
                    "subscription_create", #"{"queue_name": "\#(queue)", "options": \#(options)}"#)
            }
            let follows = #"{"_from": "now"}"#
            #expect(try await create("q", "{}").status == 201)
            let twice = try await create("q", follows)
            #expect(twice.status == 409 && twice.word == "Subscription q not created.")
            // One that was ended from elsewhere makes way.
            let rest = api.client(project: client.project)
            let path = "/v2/queues/q/subscriptions"
            let id = try #require(try await rest.get(path).objects("subscriptions").first?["id"] as? String)
            #expect(try await rest.delete("\(path)/\(id)").status == 204)
            let follower = try await create("q", follows)
            #expect(follower.status == 201)
            for options in [follows, "{}"] { #expect(try await create("q", options).status == 409) }
            for index in 1..<16 { #expect(try await create("q\(index)", follows).status == 201) }
            let refused = try await create("q16", follows)
            #expect(refused.status == 400 && refused.exception?.contains("16") == true)
            let isWaiting = try await eventually { api.waits.count == 16 ? true : nil }
            #expect(isWaiting == true)
            let ended = try #require(follower["subscription_id"] as? String)
            let one = #"{"queue_name": "q", "subscription_id": "\#(ended)"}"#
            #expect(try await client.call("subscription_delete", one).status == 204)
            for (queue, options) in [("q", "{}"), ("q16", follows)] {
                #expect(try await create(queue, options).status == 201, "\(queue)")
            }
        }
    }

    @Test func `Only its own connection ends it, and nothing of the store knows it`() async throws {
        try await withAPI { api async throws in
            let (client, other) = (try await api.actions(project: "p"), try await api.actions(project: "p"))
            let id = try await client.follow("q", from: "now").id
            let one = #"{"queue_name": "q", "subscription_id": "\#(id)"}"#
            #expect(try await client.call("subscription_get", one).status == 404)
            let listed = try await client.call("subscription_list", #"{"queue_name": "q"}"#)
            #expect(listed.status == 200 && listed.objects("subscriptions").isEmpty)
            #expect(try await other.call("subscription_delete", one).status == 204)
            _ = try await other.post(["1"], to: "q")
            #expect(try await client.numbers(1) == [1])
            let removed = try await client.call("subscription_delete", one)
            #expect(removed.status == 204 && removed.word == "Subscription \(id) removed.")
            let isOver = try await eventually { api.waits.count == 0 ? true : nil }
            #expect(isOver == true)
            _ = try await other.post(["2"], to: "q")
            // Nothing stands between.
            #expect(try await client.call("queue_list").status == 200)
            #expect(try await client.call("subscription_delete", one).status == 204)
        }
    }

    @Test func `The end of a connection ends what it follows at once`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            for queue in ["q", "r"] { _ = try await client.follow(queue, from: "now") }
            let isWaiting = try await eventually { api.waits.count == 2 ? true : nil }
            #expect(isWaiting == true)
            await client.socket.close()
            let isOver = try await eventually { api.waits.count + api.admission.busyProjects == 0 ? true : nil }
            #expect(isOver == true)
        }
    }

    // MARK: - What is missing

    @Test func `What others took is a gap, and a queue that was made anew says so`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let rest = api.client(project: client.project)
            let begun = try await client.follow("q", from: "now").place
            await client.socket.close()
            _ = try await rest.postMessages((1...6).map(String.init), to: "q")
            _ = try await rest.delete("/v2/queues/q/messages?pop=3")
            let resumed = try await api.actions(project: client.project)
            _ = try await resumed.follow("q", from: begun)
            let gap = try await resumed.reply()
            let place = try #require(gap.document["place"] as? String)
            #expect(try gap.equals(#"{"gap": {"from": 1, "to": 3}, "queue_name": "q", "place": "\#(place)"}"#))
            #expect(try await resumed.numbers(3) == [4, 5, 6])
            await resumed.socket.close()
            // It is not reported twice.
            _ = try await rest.delete("/v2/queues/q/messages?pop=3")
            let again = try await api.actions(project: client.project, isBinary: true)
            _ = try await again.follow("q", from: place)
            let last = try await again.reply()
            #expect(last.isBinary && last.document["gap"] as? NSDictionary == ["from": 4, "to": 6])
            #expect(try await rest.delete("/v2/queues/q").status == 204)
            _ = try await rest.postMessages(["7"], to: "q")
            let restart = try await again.reply()
            let anew = try #require(restart.document["place"] as? String)
            #expect(try restart.equals(#"{"restart": true, "queue_name": "q", "place": "\#(anew)"}"#))
            #expect(try await again.numbers(1) == [7])
            let third = try await api.actions(project: client.project)
            _ = try await third.follow("q", from: anew)
            #expect(try await third.numbers(1) == [7])
        }
    }
}
