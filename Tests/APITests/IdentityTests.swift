import API
import TestKit
import Testing

/// Identities are bytes: nothing that reads text may take one for another.
struct IdentityTests {
    private static let client = "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c"

    private func get(_ path: String, project: [UInt8], client: [UInt8]? = nil) -> [UInt8] {
        let clientLine = client.map { Array("Client-ID: ".utf8) + $0 } ?? Array(Self.client.utf8)
        return Array("GET \(path) HTTP/1.1\r\nHost: x\r\n".utf8) + clientLine
            + Array("\r\nX-Project-Id: ".utf8) + project + Array("\r\n\r\n".utf8)
    }

    @Test(
        arguments: [[0xFF], [0xFE], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xEF, 0xBF, 0xBD]] as [[UInt8]])
    func `A project whose id is no UTF-8 is refused`(project: [UInt8]) async throws {
        try await withAPI { api async throws in
            let reply = try await HTTPCaller(api.address).send(bytes: self.get("/v2/queues", project: project))
            #expect(reply.status == 400 && reply.title == "Invalid queue identification", "\(reply)")
        }
    }

    @Test func `A client whose id is no UTF-8 is refused where ids are any text`() async throws {
        var rules = AccessRules()
        rules.clients = .any(characters: 1...300)
        try await withAPI(rules: rules) { api async throws in
            let caller = HTTPCaller(api.address)
            let good = self.get("/v2/queues", project: Array("p".utf8), client: Array("worker-é".utf8))
            #expect(try await caller.send(bytes: good).status == 200)
            let bad = self.get("/v2/queues", project: Array("p".utf8), client: [0x77, 0xFF])
            #expect(try await caller.send(bytes: bad).status == 400)
        }
    }

    @Test func `Projects whose ids are spelled alike but of other bytes see nothing of each other`() async throws {
        try await withAPI { api async throws in
            let one = api.client(project: "caf\u{E9}")
            let other = api.client(project: "cafe\u{301}")
            _ = try await one.postMessages(["1"], to: "q")
            #expect(try await other.get("/v2/queues/q/messages?echo=true").objects("messages").isEmpty)
            #expect(try await other.get("/v2/queues").objects("queues").isEmpty)
            // What this process remembers of the one queue must not be taken for the other's.
            let encrypted = #"{"_enable_encrypt_messages": true}"#
            #expect(try await other.put("/v2/queues/q", encrypted).status == 201)
            _ = try await other.postMessages(["2"], to: "q")
            #expect(try await one.get("/v2/queues/q/messages?echo=true").objects("messages").count == 1)
            #expect(try await one.get("/v2/queues/q").json["_enable_encrypt_messages"] as? Bool != true)
        }
    }

    @Test func `Names that are steps of a path are refused wherever something gets a name`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for name in [".", "..", "%2e", "%2E%2e"] {
                for method in ["PUT", "GET", "DELETE"] {
                    let queue = try await client.send(method, "/v2/queues/\(name)")
                    #expect(queue.status == 400 && queue.title == "Invalid queue identification", "\(method) \(name)")
                    let topic = try await client.send(method, "/v2/topics/\(name)")
                    #expect(topic.status == 400 && topic.title == "Invalid topic identification", "\(method) \(name)")
                }
                let posted = try await client.post(
                    "/v2/queues/\(name)/messages", #"{"messages": [{"body": 1}]}"#)
                #expect(posted.status == 400)
            }
            for target in [".", ".."] {
                let made = try await client.put("/v2/queues/q", #"{"_dead_letter_queue": "\#(target)"}"#)
                #expect(made.status == 400)
            }
            #expect(try await client.get("/v2/queues").objects("queues").isEmpty)
        }
    }
}
