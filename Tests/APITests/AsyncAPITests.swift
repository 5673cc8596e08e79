import API
import Documents
import Domain
import Foundation
import TestKit
import Testing

/// The AsyncAPI document: its form, the actions it describes, and what the server makes of it.
struct AsyncAPITests {
    /// As it is served, and read.
    private struct Document {
        let text: String
        let root: [String: Any]

        init(_ api: RunningAPI) async throws {
            let reply = try await HTTPCaller(api.address).send("GET", "/v2/asyncapi.json")
            #expect(reply.status == 200 && reply["Content-Type"] == "application/json")
            self.text = reply.text
            self.root = reply.json
        }

        /// The value a pointer leads to.
        subscript(pointer: String) -> Any? { JSONReferences(root: self.root)[pointer] }

        func object(_ pointer: String) throws -> [String: Any] {
            try #require(self[pointer] as? [String: Any], "\(pointer)")
        }

        /// What a schema says itself, behind its references.
        func resolved(_ schema: Any?) throws -> [String: Any] {
            let schema = try #require(schema as? [String: Any])
            guard let reference = schema["$ref"] as? String else { return schema }
            return try self.resolved(self[reference])
        }

        func examples(of message: String) throws -> [[String: Any]] {
            try #require(self["#/components/messages/\(message)/examples"] as? [[String: Any]], "\(message)")
        }
    }

    @Test func `The document has the form of AsyncAPI 3.0, and every reference leads somewhere`() async throws {
        try await withAPI { api async throws in
            let document = try await Document(api)
            #expect(document.root["asyncapi"] as? String == "3.0.0")
            #expect(AsyncAPIShape.document.faults(document.root, of: document.root) == [])
            #expect(JSONReferences(root: document.root).dangling == [])
            for (name, operation) in try document.object("#/operations") as? [String: [String: Any]] ?? [:] {
                #expect(["send", "receive"].contains(operation["action"] as? String), "\(name)")
                // An operation may only name messages of its channel.
                let sides = [operation, operation["reply"] as? [String: Any]].compactMap(\.self)
                for side in sides {
                    let channel = try #require((side["channel"] as? [String: String])?["$ref"])
                    let messages = try #require(side["messages"] as? [[String: String]])
                    #expect(messages.allSatisfy { $0["$ref"]?.hasPrefix("\(channel)/messages/") == true }, "\(name)")
                }
            }
        }
    }

    @Test func `Every action is there, and no other, with its headers and members`() async throws {
        try await withAPI { api async throws in
            let document = try await Document(api)
            let operations = try document.object("#/operations") as? [String: [String: Any]] ?? [:]
            let received = operations.filter { $0.value["action"] as? String == "receive" }.keys
            #expect(Set(received) == Set(ActionTable.actions.map(\.name)))
            for action in ActionTable.actions {
                let channel = "#/channels/actions/messages/"
                let operation = try #require(operations[action.name])
                #expect(operation["messages"] as? [[String: String]] == [["$ref": channel + action.name]])
                let reply = try #require(operation["reply"] as? [String: Any])
                #expect(
                    reply["messages"] as? [[String: String]] == [
                        ["$ref": channel + action.name + ".reply"], ["$ref": channel + "refusal"],
                    ])
                let payload = try document.object("#/components/messages/\(action.name)/payload")
                let parts = try #require(payload["properties"] as? [String: [String: Any]])
                #expect(parts["action"]?["const"] as? String == action.name)
                let needsBody = action.members.contains(where: \.isRequired)
                #expect(payload["required"] as? [String] == ["action", "headers"] + (needsBody ? ["body"] : []))
                try Self.expect(document.resolved(parts["headers"]), action.headers, isNullMissing: false, document)
                guard action.rule != nil else { continue }
                try Self.expect(document.resolved(parts["body"]), action.members, isNullMissing: true, document)
            }
        }
    }

    /// - Parameter isNullMissing: Whether members that are not required may be null.
    private static func expect(
        _ schema: [String: Any], _ members: [Action.Member], isNullMissing: Bool, _ document: Document
    ) throws {
        let properties = try #require(schema["properties"] as? [String: Any])
        #expect(Set(properties.keys) == Set(members.map(\.name)))
        #expect(
            Set(schema["required"] as? [String] ?? []) == Set(members.filter(\.isRequired).map(\.name)))
        // What is not known is ignored.
        #expect(schema["additionalProperties"] == nil)
        for member in members {
            let described = try document.resolved(properties[member.name])
            if member.kind == .list {
                let forms = described["anyOf"] as? [[String: Any]] ?? []
                #expect(forms.map { $0["type"] as? String } == ["array", "string"], "\(member.name)")
            } else {
                let types = described["type"] as? [String] ?? (described["type"] as? String).map { [$0] }
                let null = isNullMissing && !member.isRequired ? ["null"] : []
                #expect(types == [member.kind.rawValue] + null, "\(member.name)")
            }
        }
    }

    @Test func `The codes with which the server closes are described`() async throws {
        try await withAPI { api async throws in
            let text = try #require(try await Document(api)["#/channels/actions/description"] as? String)
            let codes: [CloseCode] = [
                .protocolError, .notUTF8, .tooLarge, .restart, .overloaded, .authenticationExpired,
            ]
            for code in codes { #expect(text.contains("\(code.number)"), "\(code.number)") }
        }
    }

    // MARK: - The server

    /// Actions in an order in which each finds what it names.
    private static let order: [String] = {
        let (makers, last) = (
            ["queue_create", "message_post", "claim_create", "subscription_create"], ["queue_purge", "queue_delete"]
        )
        return makers + ActionTable.actions.map(\.name).filter { !(makers + last).contains($0) } + last
    }()

    /// What answers named last, in the place of what examples name.
    private struct Names {
        private var ids: [String: String] = [:]

        mutating func learn(_ body: [String: Any]) {
            for name in ["claim_id", "subscription_id"] {
                if let id = body[name] as? String { self.ids[name] = id }
            }
            if let id = (body["message_ids"] as? [String])?.first { self.ids["message_id"] = id }
        }

        func replacing(_ body: [String: Any]) -> [String: Any] {
            var body = body
            for (name, id) in self.ids {
                if body[name] != nil { body[name] = id }
                if body["\(name)s"] != nil { body["\(name)s"] = [id] }
            }
            return body
        }
    }

    @Test(arguments: [false, true])
    func `The server admits every example, and its answers are as the document says`(isBinary: Bool) async throws {
        try await withAPI { api async throws in
            let document = try await Document(api)
            let client = try await api.actions(project: "demo", isBinary: isBinary)
            var (cases, names) = (SchemaCases(), Names())
            func send(_ action: String, _ payload: [String: Any]) async throws -> ActionReply {
                var payload = payload
                payload["body"] = (payload["body"] as? [String: Any]).map(names.replacing)
                let json = try JSONSerialization.data(withJSONObject: payload)
                try await client.send(String(decoding: json, as: UTF8.self))
                let reply = try await client.reply()
                names.learn(reply.body)
                return reply
            }
            func add(_ reply: ActionReply, to message: String) {
                cases.add("#/components/messages/\(message)/payload", reply.document)
            }
            for action in Self.order {
                for example in try document.examples(of: action) {
                    let payload = try #require(example["payload"] as? [String: Any])
                    cases.add("#/components/messages/\(action)/payload", payload)
                    let reply = try await send(action, payload)
                    #expect((200...204).contains(reply.status), "\(reply.text)")
                    add(reply, to: "\(action).reply")
                }
            }
            // The other answers of the same requests.
            func again(_ action: String, _ status: Int, _ message: String? = nil) async throws {
                let example = try #require(try document.examples(of: action).last?["payload"] as? [String: Any])
                let reply = try await send(action, example)
                #expect(reply.status == status, "\(reply.text)")
                add(reply, to: message ?? "\(action).reply")
            }
            try await again("queue_get_stats", 404)
            try await again("queue_create", 201)
            try await again("queue_create", 204)
            try await again("claim_create", 204)
            try await again("claim_get", 404, "refusal")
            try await again("message_delete_many", 204)
            for refused in ["no JSON", "{}", #"{"action": "queue_get", "headers": {}, "body": {"queue_name": 1}}"#] {
                try await client.socket.send(text: refused)
                add(try await client.reply(), to: "refusal")
            }
            let unknown = try #require(try document.examples(of: "refusal").first?["payload"] as? [String: Any])
            try await client.send(#"{"action": "queue_glorify"}"#)
            #expect(try await client.reply().document == unknown as NSDictionary)
            #expect(try await cases.faults(in: document.text) == [])
        }
    }

    @Test func `A second subscription of a connection is answered as the document says`() async throws {
        try await withAPI { api async throws in
            let document = try await Document(api)
            let client = try await api.actions()
            var cases = SchemaCases()
            for status in [201, 409] {
                let reply = try await client.call("subscription_create", #"{"queue_name": "q"}"#)
                #expect(reply.status == status)
                cases.add("#/components/messages/subscription_create.reply/payload", reply.document)
            }
            #expect(try await cases.faults(in: document.text) == [])
        }
    }

    @Test(arguments: [false, true])
    func `What a connection that follows a queue gets is as the document says`(isBinary: Bool) async throws {
        try await withAPI { api async throws in
            let document = try await Document(api)
            let client = try await api.actions(isBinary: isBinary)
            let rest = api.client(project: client.project)
            var (cases, wrong) = (SchemaCases(), SchemaCases())
            func add(_ message: String, to client: ActionClient) async throws {
                let frame = try #require(try await client.reply().document as? [String: Any])
                let example = try #require(try document.examples(of: message).first?["payload"] as? [String: Any])
                for one in [frame, example] {
                    let payload = "#/components/messages/\(message)/payload"
                    cases.add(payload, one)
                    wrong.add(payload, one.merging(["more": 1]) { $1 })
                    for name in ["place", "queue_name"] { wrong.add(payload, one.filter { $0.key != name }) }
                }
            }
            let place = try await client.follow("q", from: "now").place
            _ = try await rest.post("/v2/queues/q/messages", #"{"messages": [{"body": 1, "delay": 60}, {"body": 2}]}"#)
            for _ in 0..<2 { try await add("followed_notification", to: client) }
            _ = try await rest.delete("/v2/queues/q/messages?pop=1")
            let second = try await api.actions(project: client.project, isBinary: isBinary)
            let created = try await second.call(
                "subscription_create", #"{"queue_name": "q", "options": {"_from": "\#(place)"}}"#)
            cases.add("#/components/messages/subscription_create.reply/payload", created.document)
            for message in ["followed_notification", "gap"] { try await add(message, to: second) }
            #expect(try await rest.delete("/v2/queues/q").status == 204)
            _ = try await rest.postMessages(["1"], to: "q")
            try await add("restart", to: client)
            #expect(try await cases.faults(in: document.text) == [])
            let refused = Set(try await wrong.faults(in: document.text).map { $0.prefix { $0 != ":" } })
            #expect(refused.count == wrong.count, "\(refused)")
        }
    }

    @Test func `The document has notifications and requests to confirm as they are, and refuses others`() async throws {
        try await withAPI { api async throws in
            let document = try await Document(api)
            func object(_ bytes: [UInt8]) throws -> [String: Any] {
                try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
            }
            func payload(_ message: String) -> String { "#/components/messages/\(message)/payload" }
            let queue = try QueueName("jobs")
            var (cases, wrong) = (SchemaCases(), SchemaCases())
            for (kind, message) in [
                (NotificationKind.notification, "webhook_notification"), (.notification, "notification"),
                (.test, "webhook_test"),
            ] {
                for delay in [nil, 3] {
                    let encoded = try object(
                        NotificationPayload.encode(
                            body: Array("[1]".utf8)[...], ttl: 300, delay: delay, queue: queue, kind: kind))
                    cases.add(payload(message), encoded)
                    wrong.add(payload(message), encoded.merging(["more": 1]) { $1 })
                    wrong.add(payload(message), encoded.filter { $0.key != "ttl" })
                }
                let example = try #require(try document.examples(of: message).first?["payload"])
                cases.add(payload(message), example)
            }
            for message in ["webhook_confirmation", "webhook_unsubscribed"] {
                let example = try #require(try document.examples(of: message).first?["payload"] as? [String: Any])
                cases.add(payload(message), example)
                wrong.add(payload(message), example.merging(["Message_Type": "Notification"]) { $1 })
                for member in example.keys where member != "WSGISubscribeURL" {
                    wrong.add(payload(message), example.filter { $0.key != member })
                }
            }
            #expect(try await cases.faults(in: document.text) == [])
            let refused = Set(try await wrong.faults(in: document.text).map { $0.prefix { $0 != ":" } })
            #expect(refused.count == wrong.count, "\(refused)")
        }
    }
}
