import Documents
import Domain
import NIOCore
import Testing

struct QueueMetadataTests {
    private func metadata(_ text: String, limits: Limits = Limits()) throws(Refusal) -> QueueMetadata {
        try QueueMetadata(document: Array(text.utf8), of: QueueName("orders"), limits: limits)
    }

    private func shown(_ metadata: QueueMetadata) -> String {
        String(buffer: QueueDocument.metadata(metadata, of: .queue, limits: Limits()))
    }

    @Test(arguments: [
        #"{"_default_message_ttl": 59}"#, #"{"_default_message_ttl": 0}"#, #"{"_default_message_ttl": 1209601}"#,
        #"{"_default_message_ttl": true}"#, #"{"_default_message_ttl": 60.0}"#, #"{"_default_message_ttl": ""}"#,
        #"{"_default_message_delay": 901}"#, #"{"_default_message_delay": -1}"#, #"{"_default_message_delay": "1"}"#,
        #"{"_max_messages_post_size": 0}"#, #"{"_max_messages_post_size": 262145}"#,
        #"{"_max_messages_post_size": false}"#,
        #"{"_dead_letter_queue_messages_ttl": "123"}"#, #"{"_dead_letter_queue_messages_ttl": 59}"#,
        #"{"_dead_letter_queue_messages_ttl": 0}"#, #"{"_max_claim_count": "123"}"#, #"{"_max_claim_count": 0}"#,
        #"{"_dead_letter_queue": "orders"}"#, #"{"_dead_letter_queue": "a b"}"#, #"{"_dead_letter_queue": 1}"#,
        #"{"_dead_letter_queue": ""}"#, #"{"_enable_encrypt_messages": 1}"#, #"{"_enable_encrypt_messages": "true"}"#,
        #"{"_retry_policy": []}"#, #"{"_retry_policy": "x"}"#, #"{"_retry_policy": {"minimum_delay": "1"}}"#,
        #"{"_retry_policy": {"minimum_delay": true}}"#, #"{"_retry_policy": {"minimum_delay": 21}}"#,
        #"{"_retry_policy": {"maximum_delay": 4}}"#, #"{"_retry_policy": {"retries_with_no_delay": -1}}"#,
        #"{"_retry_policy": {"maximum_delay_retries": 101}}"#, #"{"_retry_policy": {"maximum_delay": 86401}}"#,
        #"{"_retry_policy": {"retry_backoff_function": "cubic"}}"#,
        #"{"_retry_policy": {"retry_backoff_function": 1}}"#,
        #"{"_retry_policy": {"ignore_subscription_override": 1}}"#,
        #"{"_retry_policy": {"minimum_delay": 0, "retry_backoff_function": "geometric"}}"#,
    ])
    func `A reserved attribute of wrong type or out of range is refused (Q-25 to Q-29)`(text: String) {
        #expect {
            try self.metadata(text)
        } throws: { error in
            guard case .requestInvalid = error as? Refusal else { return false }
            return true
        }
    }

    @Test(arguments: [
        "{}", #"{"_default_message_ttl": 60}"#, #"{"_default_message_delay": 900}"#, #"{"_max_messages_post_size": 1}"#,
        #"{"_max_claim_count": 1, "_dead_letter_queue": "failed", "_dead_letter_queue_messages_ttl": 7799}"#,
        #"{"_enable_encrypt_messages": false, "_flavor": {"any": "thing"}}"#, #"{"_retry_policy": {}}"#,
        #"{"_default_message_ttl": null, "_max_claim_count": null, "_dead_letter_queue": null, "_retry_policy": null}"#,
        #"{"_retry_policy": {"retries_with_no_delay": 2, "minimum_delay_retries": 1, "minimum_delay": 1, "maximum_delay": 11}}"#,
        #"{"_private": -1, "messages": {"ttl": 600}, "name": "orders"}"#,
        #"{"_default_message_ttl": 1, "_default_message_ttl": 60}"#,
    ])
    func `A value in range, null or of an unknown name passes`(text: String) throws {
        _ = try self.metadata(text)
    }

    @Test(arguments: ["{", "[]", ".", "  ", "", "1", "null"])
    func `Anything but an object is a broken body (Q-22)`(text: String) {
        #expect {
            try self.metadata(text)
        } throws: { error in
            guard case .bodyInvalid = error as? Refusal else { return false }
            return true
        }
    }

    @Test func `Unset attributes are shown with their defaults, and only those seven (Q-20, Q-42)`() throws {
        #expect(
            self.shown(try self.metadata(#"{"messages": {"ttl": 600}}"#))
                == #"{"messages":{"ttl": 600},"_max_messages_post_size":262144,"_default_message_ttl":3600,"#
                + #""_default_message_delay":0,"_dead_letter_queue":null,"_dead_letter_queue_messages_ttl":null,"#
                + #""_max_claim_count":null,"_enable_encrypt_messages":false}"#)
    }

    @Test func `Stored values are shown as written, null as unset`() throws {
        let shown = self.shown(
            try self.metadata(
                #"{"_default_message_ttl":300,"_max_claim_count":null,"a":null,"b":1.50,"b":"é","_flavor":"x"}"#))
        #expect(
            shown == #"{"_default_message_ttl":300,"a":null,"b":"é","_flavor":"x","_max_messages_post_size":262144,"#
                + #""_default_message_delay":0,"_dead_letter_queue":null,"_dead_letter_queue_messages_ttl":null,"#
                + #""_max_claim_count":null,"_enable_encrypt_messages":false}"#)
        #expect(QueueMetadata(stored: Array(shown.utf8)).map(self.shown) != nil)
    }

    @Test func `Posting learns what it has to know`() throws {
        let metadata = try self.metadata(
            #"{"_max_messages_post_size": 1023, "_default_message_ttl": 999, "_default_message_delay": 3}"#)
        #expect(
            metadata.attributes == QueueAttributes(postBytesMax: 1023, messageTTLDefault: 999, messageDelayDefault: 3))
        #expect(try self.metadata("{}").attributes == QueueAttributes())
        #expect(try self.metadata(#"{"_enable_encrypt_messages": true}"#).isEncrypting)
        var policy = RetryPolicy()
        policy.delayMin = 1
        #expect(try self.metadata(#"{"_retry_policy": {"minimum_delay": 1}}"#).attributes.retryPolicy == policy)
        #expect(try self.metadata(#"{"_retry_policy": {}}"#).attributes == QueueAttributes())
    }

    @Test func `Filters compare numbers as numbers and texts as texts`() throws {
        let metadata = try self.metadata(#"{"n": 30, "s": "30", "t": "x", "f": 30.0, "b": true, "z": null}"#)
        #expect(
            metadata.has("n", among: ["30"]) && metadata.has("n", among: ["+30"]) && metadata.has("s", among: ["30"]))
        #expect(metadata.has("t", among: ["y", "x"]))
        #expect(
            !metadata.has("n", among: ["3", "x"]) && !metadata.has("s", among: ["+30"])
                && !metadata.has("q", among: [""]))
        #expect(
            !metadata.has("f", among: ["30"]) && !metadata.has("b", among: ["true"])
                && !metadata.has("z", among: ["null"]))
        // Defaults that are only shown never match.
        #expect(!metadata.has("_default_message_ttl", among: ["3600"]))
    }
}
