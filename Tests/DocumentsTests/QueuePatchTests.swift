import Documents
import Domain
import Testing

struct QueuePatchTests {
    private func patched(_ stored: String, _ patch: String, limits: Limits = Limits()) throws -> String {
        let metadata = try #require(QueueMetadata(stored: Array(stored.utf8)))
        let result = try QueuePatch(document: Array(patch.utf8)).applied(
            to: metadata, of: QueueName("orders"), limits: limits)
        return String(decoding: result.document, as: UTF8.self)
    }

    /// Which refusal a patch meets, without its words.
    private func refusal(_ stored: String, _ patch: String) -> String {
        do {
            _ = try self.patched(stored, patch)
            return "none"
        } catch Refusal.bodyInvalid {
            return "400"
        } catch Refusal.metadataConflict {
            return "409"
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        (
            #"{}"#, #"[{"op":"add","path":"/metadata/a","value":1},{"op":"add","path":"/metadata/b","value":{}}]"#,
            #"{"a":1,"b":{}}"#
        ),
        (
            #"{"a": [1,  2.50], "b":1}"#, #"[{"op":"replace","path":"/metadata/b","value": "x"}]"#,
            #"{"a":[1,  2.50],"b":"x"}"#
        ),
        (
            #"{"a":1}"#, #"[{"op":"replace","path":"/metadata/_default_message_ttl","value":300}]"#,
            #"{"a":1,"_default_message_ttl":300}"#
        ),
        (
            #"{"a":1,"_default_message_ttl":300}"#, #"[{"op":"remove","path":"/metadata/_default_message_ttl"}]"#,
            #"{"a":1}"#
        ),
        (#"{"a":1}"#, #"[]"#, #"{"a":1}"#),
        (#"{"a":null}"#, #"[{"op":"remove","path":"/metadata/a"}]"#, "{}"),
        (#"{}"#, #"[{"op":"add","path":"/metadata/a","value":null}]"#, #"{"a":null}"#),
        (
            #"{"a":1}"#, #"[{"op":"remove","path":"/metadata/a"},{"op":"add","path":"/metadata/a","value":2}]"#,
            #"{"a":2}"#
        ),
        (
            #"{"a/b":1,"~":2}"#,
            #"[{"op":"remove","path":"/METADATA/a~1b"},{"op":"replace","path":"/MetaData/ ~0 ","value":3}]"#,
            #"{"~":3}"#
        ),
    ])
    func `Q-50, Q-52, Q-53, Q-54, Q-60: Operations change what they name and nothing else`(
        stored: String, patch: String, result: String
    ) throws {
        #expect(try self.patched(stored, patch) == result)
    }

    @Test(arguments: [
        "_max_messages_post_size", "_default_message_ttl", "_default_message_delay", "_dead_letter_queue",
        "_dead_letter_queue_messages_ttl", "_max_claim_count", "_enable_encrypt_messages",
    ])
    func `Q-51: Removing a shown attribute that was never set does nothing`(name: String) throws {
        #expect(try self.patched("{}", #"[{"op":"remove","path":"/metadata/\#(name)"}]"#) == "{}")
        #expect(
            try self.patched("{}", #"[{"op":"replace","path":"/metadata/\#(name)","value":null}]"#)
                == "{\"\(name)\":null}")
    }

    @Test(arguments: ["a", "_flavor", "_retry_policy"])
    func `Q-55: Replacing or removing what is not there is a conflict`(name: String) {
        #expect(self.refusal("{}", #"[{"op":"remove","path":"/metadata/\#(name)"}]"#) == "409")
        #expect(self.refusal("{}", #"[{"op":"replace","path":"/metadata/\#(name)","value":{}}]"#) == "409")
    }

    @Test func `Q-63: One failing operation fails all, and the order counts`() {
        let patch = #"[{"op":"add","path":"/metadata/a","value":1},{"op":"remove","path":"/metadata/b"}]"#
        #expect(self.refusal("{}", patch) == "409")
        #expect(self.refusal("{}", #"[{"op":"remove","path":"/metadata/b"},{"op":"nonsense"}]"#) == "400")
    }

    @Test(arguments: [
        "", "{", "{}", "[1]", "[{}]", "null", #"{"op":"add","path":"/metadata/a","value":1}"#,
        #"[{"op":"a","path":"/metadata/a","value":1}]"#, #"[{"op":"Add","path":"/metadata/a","value":1}]"#,
        #"[{"op":1,"path":"/metadata/a","value":1}]"#, #"[{"op":"add","path":"/metadata/a"}]"#,
        #"[{"op":"add","path":{},"value":1}]"#,
    ])
    func `Q-62: What is no list of operations is a broken body`(patch: String) {
        #expect(self.refusal("{}", patch) == "400")
    }

    @Test(arguments: [
        "/a", "", "/", "metadata/a", "/metadata", "/metadata/", "/metadata//a", "//metadata/a", "/metadata/ /a",
        "/metadata/a/b", "/metadata/a/", "/metadata/a~", "/metadata/~2", "/foo/a", "/metadata/ ",
    ])
    func `Q-57: A pointer that is not /metadata/name is a broken body`(path: String) {
        #expect(self.refusal(#"{"a":1}"#, #"[{"op":"remove","path":"\#(path)"}]"#) == "400")
    }

    @Test func `Q-64: The result is held to the rules of reserved attributes`() throws {
        #expect(self.refusal("{}", #"[{"op":"add","path":"/metadata/_default_message_ttl","value":59}]"#) == "400")
        #expect(self.refusal("{}", #"[{"op":"add","path":"/metadata/_dead_letter_queue","value":"orders"}]"#) == "400")
        let both =
            #"[{"op":"add","path":"/metadata/_max_claim_count","value":2},"#
            + #"{"op":"add","path":"/metadata/_dead_letter_queue_messages_ttl","value":7799}]"#
        #expect(try self.patched("{}", both) == #"{"_max_claim_count":2,"_dead_letter_queue_messages_ttl":7799}"#)
    }

    @Test func `Metadata cannot grow without end`() throws {
        let big = String(repeating: "x", count: Limits.queueMetadataStoredBytesMin)
        #expect(self.refusal(#"{"a":"\#(big)"}"#, #"[{"op":"add","path":"/metadata/b","value":1}]"#) == "400")
    }
}

struct ShareBodyTests {
    private func body(_ text: String) throws -> ShareBody { try ShareBody(document: Array(text.utf8)) }

    @Test(arguments: ["{}", #"{"paths":[],"methods":null,"expires":null}"#])
    func `U-1: What is not said is messages, GET, and no expiry`(text: String) throws {
        let body = try self.body(text)
        #expect(body.parts == [.messages] && body.methods == ["GET"] && body.expires == nil)
    }

    @Test func `U-2: Parts and methods are taken as they are given`() throws {
        let body = try self.body(
            #"{"paths":["messages","subscriptions"],"methods":["POST","GET"],"expires":"2031-12"}"#)
        #expect(body.parts == [.messages, .subscriptions] && body.methods == ["POST", "GET"])
        #expect(body.expires == "2031-12")
    }

    @Test(arguments: [
        "", "not json", "[]", #"{"dummy":"meh"}"#, #"{"methods":"methods not list"}"#, #"{"paths":["notallowed"]}"#,
        #"{"paths":"messages"}"#, #"{"paths":[1]}"#, #"{"methods":[1]}"#, #"{"methods":["GET,POST"]}"#,
        #"{"methods":["get"]}"#, #"{"methods":[""]}"#, #"{"methods":["GET\\np"]}"#, #"{"expires":3600}"#,
        #"{"project":"p"}"#,
    ])
    func `U-3: Anything else is refused`(text: String) {
        #expect(throws: Refusal.self) { try self.body(text) }
    }
}

struct StoredRetryPolicyTests {
    private func policy(_ text: String) -> RetryPolicy? { QueueMetadata(stored: Array(text.utf8))?.retryPolicy }

    @Test func `A stored policy is read with defaults for what it leaves out`() throws {
        let policy = try #require(
            self.policy(
                #"{"a":1,"_retry_policy":{"minimum_delay":10,"maximum_delay":60,"retry_backoff_function":"exponential","#
                    + #""ignore_subscription_override":true,"maximum_delay_retries":null}}"#
            ))
        var expected = RetryPolicy()
        (expected.delayMin, expected.delayMax, expected.backoff) = (10, 60, .exponential)
        expected.ignoresSubscriptions = true
        #expect(policy == expected)
    }

    @Test(arguments: ["{}", #"{"_retry_policy":null}"#, #"{"_retry_policy":{}}"#, "[]", #"{"_retry_policy":7}"#])
    func `No policy, an empty one and a broken one are none`(text: String) {
        #expect(self.policy(text) == nil)
    }

    @Test func `Filters tell names apart by their bytes`() throws {
        let metadata = try #require(
            QueueMetadata(stored: Array("{\"\u{E9}\":1,\"e\u{301}\":2,\"n\":\"-5\",\"m\":-5,\"b\":true}".utf8)))
        #expect(metadata.has("\u{E9}", among: ["1"]) && !metadata.has("\u{E9}", among: ["2"]))
        #expect(
            metadata.has("n", among: ["-5"]) && metadata.has("m", among: ["x", "-5"])
                && !metadata.has("b", among: ["true"]))
    }
}
