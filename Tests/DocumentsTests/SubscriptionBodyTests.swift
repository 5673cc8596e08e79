import Documents
import Domain
import JSON
import Testing

struct SubscriptionBodyTests {
    private func body(_ text: String) throws(Refusal) -> SubscriptionBody {
        try SubscriptionBody(document: Array(text.utf8), now: Timestamp(milliseconds: 1_700_000_000_000))
    }

    @Test func `A subscription is read with its defaults`() throws {
        let bare = try self.body(#"{"subscriber": "http://trigger.example/x?y=z"}"#)
        #expect(bare.subscriber.uri == "http://trigger.example/x?y=z")
        #expect(bare.ttl == nil && bare.options == Array("{}".utf8))
        let full = try self.body(#"{"subscriber":"HTTPS://a","ttl":100,"options":{ "a" : 1.0 },"extra":1}"#)
        #expect(full.ttl == 100 && full.options == Array(#"{ "a" : 1.0 }"#.utf8))
        let nulls = try self.body(#"{"subscriber":"http://a","ttl":null,"options":null}"#)
        #expect(nulls.ttl == nil && nulls.options == Array("{}".utf8))
    }

    @Test func `Options say how a subscription is served`() throws {
        func pace(_ options: String) throws -> Pace {
            let patch = try SubscriptionPatch(
                document: Array("{\"options\": \(options)}".utf8), now: Timestamp(milliseconds: 1_700_000_000_000))
            #expect(try self.body("{\"subscriber\": \"http://a\", \"options\": \(options)}").pace == patch.pace)
            return patch.pace
        }
        #expect(try pace("{}") == Pace() && pace(#"{"_ordered": null, "_rate_limit": null}"#) == Pace())
        #expect(try pace(#"{"_ordered": true}"#) == Pace(isOrdered: true))
        #expect(try pace(#"{"_rate_limit": {"max_per_second": 1}}"#) == Pace(maxPerSecond: 1))
        let both = #"{"_ordered": false, "_rate_limit": {"max_per_second": 100000}, "other": 1}"#
        #expect(try pace(both) == Pace(maxPerSecond: 100_000))
    }

    @Test func `Only a connection that subscribes itself says where it begins`() throws {
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        func session(_ options: String) throws -> SessionSubscriptionBody {
            let object = try #require(try JSONObject(document: Array("{\"options\": \(options)}".utf8)))
            return try SessionSubscriptionBody(object, now: now)
        }
        #expect(try session("{}").session.from == nil && session(#"{"_from": null}"#).session.from == nil)
        #expect(try session(#"{"_from": "oldest", "_ordered": true}"#).session.from == "oldest")
        for options in [
            #"{"_from": "now", "_filter": {"a": [1]}}"#, #"{"_from": 1}"#,
            #"{"_from": "now", "_rate_limit": {"max_per_second": 1}}"#,
        ] {
            #expect(throws: Refusal.self) { try session(options) }
        }
        let others = #""options": {"_from": "oldest"}"#
        #expect(throws: Refusal.self) { try self.body(#"{"subscriber": "http://a", \#(others)}"#) }
        #expect(throws: Refusal.self) { try SubscriptionPatch(document: Array("{\(others)}".utf8), now: now) }
        #expect(try self.body(#"{"subscriber": "http://a", "options": {"_from": null}}"#).ttl == nil)
    }

    @Test
    func `A connection that subscribes itself says how it acknowledges messages, and the name of its subscription`()
        throws
    {
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        func session(_ options: String) throws -> SessionSubscriptionBody {
            let object = try #require(try JSONObject(document: Array("{\"options\": \(options)}".utf8)))
            return try SessionSubscriptionBody(object, now: now)
        }
        let plain = try session(#"{"_ack": false, "_renew": null}"#)
        #expect(plain.session.acknowledgement == nil && plain.session.isRenewed && plain.pace == Pace())
        let short = try session(#"{"_ack": true}"#)
        #expect(short.session.acknowledgement == Acknowledgement(timeout: 30) && short.session.name == nil)
        let long = try session(
            #"{"_ack": true, "_ack_timeout": 5, "_window": 3, "_name": "worker.1", "_renew": false, "_ordered": true}"#)
        #expect(long.session.acknowledgement == Acknowledgement(timeout: 5) && !long.session.isRenewed)
        #expect(long.session.name == SessionName("worker.1"))
        #expect(long.pace == Pace(isOrdered: true, inFlightMax: 3))
        #expect(DeliveryOptions(stored: long.options)?.isAcknowledged == true)
        #expect(DeliveryOptions(stored: plain.options)?.isAcknowledged == false)
        for options in [
            #"{"_ack": 1}"#, #"{"_window": 1}"#, #"{"_name": "a"}"#, #"{"_ack_timeout": 1}"#,
            #"{"_ack": false, "_name": "a"}"#, #"{"_ack": true, "_ack_timeout": 0}"#,
            #"{"_ack": true, "_ack_timeout": 61}"#, #"{"_ack": true, "_window": 0}"#, #"{"_ack": true, "_window": 65}"#,
            #"{"_ack": true, "_name": ""}"#, #"{"_ack": true, "_name": "a/b"}"#, #"{"_ack": true, "_from": "now"}"#,
            #"{"_ack": true, "_name": 1}"#, #"{"_renew": 1}"#, #"{"_renew": true, "_from": "now"}"#,
            #"{"_ack": true, "_email": {"digest": {"seconds": 60, "messages": 5}}}"#,
        ] { #expect(throws: Refusal.self, "\(options)") { try session(options) } }
        for name in ["_ack", "_ack_timeout", "_window", "_name", "_renew"] {
            let others = "\"options\": {\"\(name)\": true}"
            #expect(throws: Refusal.self) { try self.body("{\"subscriber\": \"http://a\", \(others)}") }
            #expect(throws: Refusal.self) { try SubscriptionPatch(document: Array("{\(others)}".utf8), now: now) }
        }
    }

    @Test(arguments: [
        (#"{"subscriber": "http://a", "options": xxx, "ttl": 1}"#, "body could not be parsed"),
        ("", "Missing parameter"), ("{}", "Missing parameter"), (#"{"subscriber": null}"#, "Missing parameter"),
        (#"{"subscriber": "http://a", "options": 1}"#, "must be a dict"),
        (#"{"subscriber": "http://a", "options": "123"}"#, "must be a dict"),
        (#"{"subscriber": "http://a", "options": []}"#, "must be a dict"), ("[]", "must be a dict"),
        (#"{"subscriber": "http://a", "ttl": "invalid"}"#, "must be an integer"),
        (#"{"subscriber": "http://a", "ttl": "123"}"#, "must be an integer"),
        (#"{"subscriber": "http://a", "ttl": 59}"#, "at least 60"),
        (#"{"subscriber": "http://a", "ttl": 0}"#, "at least 60"),
        (#"{"subscriber": "http://a", "ttl": 99999999999999999}"#, "year 10000"), (#"{"subscriber": ""}"#, "not empty"),
        (#"{"subscriber": 1}"#, "has to be a string"),
        (#"{"subscriber": "http://a", "options": {"_retry_policy": 1}}"#, "retry_policy must be a dict."),
        (#"{"subscriber": "http://a", "options": {"post_data": {}}}"#, "post_data"),
        (#"{"subscriber": "http://a", "options": {"_ordered": 1}}"#, "_ordered has to be a boolean"),
        (#"{"subscriber": "http://a", "options": {"_ordered": "true"}}"#, "_ordered has to be a boolean"),
        (#"{"subscriber": "http://a", "options": {"_rate_limit": 5}}"#, "holds max_per_second alone"),
        (#"{"subscriber": "http://a", "options": {"_rate_limit": {}}}"#, "holds max_per_second alone"),
        (
            #"{"subscriber": "http://a", "options": {"_rate_limit": {"max_per_second": 5, "burst": 9}}}"#,
            "holds max_per_second alone"
        ),
        (#"{"subscriber": "http://a", "options": {"_rate_limit": {"max_per_second": 0}}}"#, "from 1 to 100000"),
        (#"{"subscriber": "http://a", "options": {"_rate_limit": {"max_per_second": 100001}}}"#, "from 1 to 100000"),
        (#"{"subscriber": "http://a", "options": {"_rate_limit": {"max_per_second": 1.5}}}"#, "from 1 to 100000"),
        (#"{"subscriber": "http://a", "options": {"subject": "a\r\nBcc: b"}}"#, "line break"),
        (#"{"subscriber": "http://a", "options": {"post_headers": {"X": "a\nb"}}}"#, "line break"),
        (#"{"subscriber": "http://a", "options": {"post_headers": {"X": 1}}}"#, "object of strings"),
        (#"{"subscriber": "http://a", "options": {"post_headers": {"HOST": "b"}}}"#, "may not set HOST"),
        (#"{"subscriber": "http://a", "options": {"post_headers": []}}"#, "object of strings"),
    ])
    func `What is wrong is said in the words clients look for (S-14 to S-19)`(text: String, words: String) {
        #expect {
            try self.body(text)
        } throws: { error in
            switch error as? Refusal {
            case .bodyInvalid(let said), .requestInvalid(let said): said.contains(words)
            default: false
            }
        }
    }

    @Test(arguments: ["fake", "email://fake", ":", "ftp://x"])
    func `A scheme without a channel is refused (S-16)`(uri: String) {
        let all = ["http", "https", "mailto", "trust+http", "trust+https"]
        #expect(throws: Refusal.subscriberSchemeUnsupported(supported: all)) {
            try self.body(#"{"subscriber": "\#(uri)"}"#)
        }
    }

    @Test func `The longest life a client asks for is accepted`() throws {
        #expect(try self.body(#"{"subscriber": "http://a", "ttl": 220367260800}"#).ttl == 220_367_260_800)
    }
}
