import Documents
import Domain
import Testing

struct PostBodyTests {
    private func bodies(_ text: String) throws -> [String] {
        let bytes = Array(text.utf8)
        return try PostBody(bytes.span, countMax: 5).messages.map { String(decoding: bytes[$0.body], as: UTF8.self) }
    }

    @Test func `Messages are read in order, with their bodies verbatim`() throws {
        let text = """
            { "messages" : [ {"body": {"b" : 1, "a":1.50} , "ttl": 600}, {"delay": 5, "body":"\\u00e9"}, {"body" : null } ] }
            """
        let bytes = Array(text.utf8)
        let messages = try PostBody(bytes.span, countMax: 5).messages
        #expect(messages.map(\.ttl) == [600, nil, nil])
        #expect(messages.map(\.delay) == [nil, 5, nil])
        #expect(try self.bodies(text) == [#"{"b" : 1, "a":1.50}"#, #""\u00e9""#, "null"])
    }

    @Test func `A post of more messages than allowed is refused, whatever else is wrong with it`() throws {
        func post(_ count: Int) -> String {
            #"{"messages": [\#(Array(repeating: #"{"body": 1}"#, count: count).joined(separator: ","))]}"#
        }
        #expect(try self.bodies(post(5)).count == 5)
        #expect(throws: Refusal.requestInvalid("A post may hold at most 5 messages.")) { try self.bodies(post(6)) }
        #expect(throws: Refusal.self) { try self.bodies(post(5).replacing("]", with: ", 7]")) }
    }

    @Test func `Unknown members are dropped, and of equal names the last counts`() throws {
        let text = """
            {"messages": 7, "x": [], "messages": [{"body": 1, "ttl": "x", "body": 2, "ttl": 60, "y": {}}], "z": null}
            """
        #expect(try self.bodies(text) == ["2"])
        #expect(throws: Refusal.self) { try self.bodies(#"{"messages":[{"body":1}],"messages":[]}"#) }
    }

    @Test(arguments: [
        "", "[", "[]", "{}", ".", "123", "null", "\"messages\"", " ", #"{"messages": {}}"#, #"{"messages": null}"#,
        #"{"messages": []}"#, #"{"messages": [1]}"#, #"{"messages": ["messages"]}"#, #"{"messages": [null]}"#,
        #"{"messages": [{}]}"#, #"{"messages": [{"ttl": 60}]}"#, #"{"messages": [{"body": 1, "ttl": null}]}"#,
        #"{"messages": [{"body": 1, "ttl": 60.0}]}"#, #"{"messages": [{"body": 1, "ttl": "60"}]}"#,
        #"{"messages": [{"body": 1, "ttl": true}]}"#, #"{"messages": [{"body": 1, "ttl": 6e1}]}"#,
        #"{"messages": [{"body": 1, "delay": "5"}]}"#, #"{"messages": [{"body": 1, "delay": null}]}"#,
        #"{"messages": [{"body": 1}, {"bod": 1}]}"#, #"{"messages": [{"body": 1}]"#, #"{"messages": [{"body": 1}]}x"#,
        #"{"messages": [{"body": 9223372036854775808}]}"#, #"{"messages": [{"body": NaN}]}"#,
        #"[{"body": 1, "ttl": 60}]"#,
    ])
    func `A body of another shape is refused (M-10, M-16, M-17)`(text: String) {
        #expect {
            try self.bodies(text)
        } throws: { error in
            guard case .bodyInvalid = error as? Refusal else { return false }
            return true
        }
    }

    @Test func `A body's own brackets count for the depth of the whole`() throws {
        func text(_ levels: Int) -> String {
            #"{"messages":[{"body":"# + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
                + "}]}"
        }
        #expect(try self.bodies(text(97)).count == 1)
        #expect(throws: Refusal.self) { try self.bodies(text(98)) }
    }
}
