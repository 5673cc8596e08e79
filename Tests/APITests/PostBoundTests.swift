import API
import Domain
import TestKit
import Testing

/// What a post may hold, and what its answer says of it.
struct PostBoundTests {
    private let path = "/v2/queues/q/messages"

    private func post(_ count: Int) -> String {
        #"{"messages": [\#(Array(repeating: #"{"body": 1}"#, count: count).joined(separator: ","))]}"#
    }

    @Test func `The Location of a post, however large, is short and gets its first messages`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for count in [1, 20, 21, 1000] {
                let posted = try await client.post(self.path, self.post(count))
                let resources = try #require(posted.json["resources"] as? [String])
                #expect(posted.status == 201 && resources.count == count)
                let location = try #require(posted["Location"])
                #expect(location.utf8.count <= 4096)
                let got = try await client.get(location)
                let hrefs = got.objects("messages").compactMap { $0["href"] as? String }
                #expect(got.status == 200 && hrefs == Array(resources.prefix(20)), "\(count) messages")
            }
        }
    }

    @Test func `Location stays short where a request may name more ids`() async throws {
        var limits = Limits()
        limits.messagePageMax = 500
        try await withAPI(limits: limits) { api async throws in
            let client = api.client()
            let location = try #require(try await client.post(self.path, self.post(500))["Location"])
            #expect(location.utf8.count <= 4096)
            #expect(try await client.get(location).objects("messages").count >= 100)
        }
    }

    @Test func `A post of too many messages is refused and stores none`() async throws {
        var limits = Limits()
        limits.postMessagesMax = 7
        try await withAPI(limits: limits) { api async throws in
            let client = api.client()
            let refused = try await client.post(self.path, self.post(8))
            #expect(refused.status == 400 && refused.words == "A post may hold at most 7 messages.")
            #expect(try await client.get("/v2/queues/q/stats").text.contains(#""total":0"#))
            #expect(try await client.post(self.path, self.post(7)).status == 201)
        }
        try await withAPI { api async throws in
            #expect(try await api.client().post(self.path, self.post(1001)).status == 400)
        }
    }
}
