import Documents
import Domain
import Filters
import JSON
import Mail
import Testing

struct DeliveryOptionsTests {
    /// As a caller sends them.
    private func body(options: String) throws(Refusal) -> SubscriptionBody {
        try SubscriptionBody(
            document: Array(#"{"subscriber": "http://a", "options": \#(options)}"#.utf8),
            now: Timestamp(milliseconds: 1_700_000_000_000))
    }

    private func options(_ text: String) throws -> DeliveryOptions {
        try #require(DeliveryOptions(stored: Array(text.utf8)))
    }

    private func words(of options: String) -> String? {
        do throws(Refusal) {
            _ = try self.body(options: options)
            return nil
        } catch {
            guard case .requestInvalid(let words) = error else { return "\(error)" }
            return words
        }
    }

    // MARK: Final statuses

    @Test func `Final statuses are numbers and classes`() throws {
        #expect(
            try self.options("{}").finalStatuses == .none
                && self.options(#"{"_final_statuses": null}"#).finalStatuses == .none)
        #expect(try self.options(#"{"_final_statuses": []}"#).finalStatuses == .none)
        let final = try self.options(#"{"_final_statuses": [400, 404, "5xx"]}"#).finalStatuses
        #expect(final == FinalStatuses(statuses: [400, 404], classes: [5]))
        #expect(self.words(of: #"{"_final_statuses": [300, 599, "3xx", "4xx", 300]}"#) == nil)
    }

    @Test(arguments: [
        "1", #""4xx""#, "{}", "true", "[200]", "[299]", "[600]", "[-404]", "[404.0]", #"["404"]"#, #"["2xx"]"#,
        #"["4XX"]"#, "[null]", "[[404]]", "[9223372036854775807]",
        "[\(Array(repeating: "404", count: 65).joined(separator: ","))]",
    ])
    func `A list of final statuses that is none is refused, and unreadable where it is stored`(list: String) {
        #expect(self.words(of: #"{"_final_statuses": \#(list)}"#)?.contains("_final_statuses") == true)
        #expect(DeliveryOptions(stored: Array(#"{"_final_statuses": \#(list)}"#.utf8)) == nil)
    }

    // MARK: Filters

    @Test func `A filter policy is kept as it was written, and refused with the place of what is wrong`() throws {
        #expect(try self.options("{}").filter == nil && self.options(#"{"_filter": null}"#).filter == nil)
        let written = #"{ "a": ["x"] }"#
        #expect(try self.options(#"{"_filter": \#(written)}"#).filter?.text == written)
        #expect(try self.body(options: #"{"_filter": \#(written)}"#).pace == Pace(isFiltered: true))
        #expect(try self.body(options: #"{"_filter": null, "_ordered": true}"#).pace == Pace(isOrdered: true))
        for (policy, place) in [
            (#"{"a": 1}"#, "`/a` takes an array"), (#"{"a": [{"numeric": ["<"]}]}"#, "`/a/0/numeric` takes pairs"),
            ("[]", "the filter policy is not an object"), ("{}", "the filter policy has no keys"),
            ("true", "is not an object"),
        ] {
            let words = self.words(of: #"{"_filter": \#(policy)}"#) ?? ""
            #expect(
                words.hasPrefix("The option _filter: ") && words.contains(place) && words.hasSuffix("."), "\(words)")
            // The version before stored it unread.
            #expect(
                try self.options(#"{"_disable_on_gone": true, "_filter": \#(policy)}"#)
                    == DeliveryOptions(disablesOnGone: true))
        }
    }

    // MARK: Retry policies

    @Test(arguments: [
        ("1", "retry_policy must be a dict."), ("[]", "retry_policy must be a dict."),
        (#""x""#, "retry_policy must be a dict."), ("false", "retry_policy must be a dict."),
        (#"{"retry_backoff_function": 1}"#, "retry_backoff_function must be a string."),
        (#"{"retry_backoff_function": "cubic"}"#, "invalid retry_backoff_function."),
        (#"{"ignore_subscription_override": 1}"#, "ignore_subscription_override must be a boolean."),
        (#"{"retries_with_no_delay": "1"}"#, "Retry policy: retries_with_no_delay must be a integer."),
        (#"{"minimum_delay_retries": true}"#, "Retry policy: minimum_delay_retries must be a integer."),
        (#"{"maximum_delay_retries": 1.5}"#, "Retry policy: maximum_delay_retries must be a integer."),
        (#"{"minimum_delay": []}"#, "Retry policy: minimum_delay must be a integer."),
        (#"{"maximum_delay": {}}"#, "Retry policy: maximum_delay must be a integer."),
        (#"{"minimum_delay": 31}"#, "minimum_delay must less than maximum_delay."),
        (#"{"maximum_delay": 4}"#, "minimum_delay must less than maximum_delay."),
        (#"{"minimum_delay": 60}"#, "here they are 30 s and 60 s (30 s and 5 s where not given)."),
        (#"{"minimum_delay": 21}"#, "invalid minimum_delay and maximum_delay."),
        (#"{"minimum_delay": 1, "maximum_delay": 10}"#, "invalid minimum_delay and maximum_delay."),
        (#"{"minimum_delay": -1}"#, "minimum_delay has to lie between 0 and 86400"),
        (#"{"maximum_delay": 86401}"#, "maximum_delay has to lie between 0 and 86400"),
        (#"{"retries_with_no_delay": 101}"#, "retries_with_no_delay has to lie between 0 and 100"),
        (#"{"minimum_delay": 0, "retry_backoff_function": "geometric"}"#, "at least 1"),
        (#"{"minimum_delay": 0, "retry_backoff_function": "exponential"}"#, "at least 1"),
        (#"{"schedule": 5}"#, "schedule has to be an array of at most 100 waits of 0 to 86400 s, or the name of one."),
        (#"{"schedule": [5, -1]}"#, "schedule has to be an array"),
        (#"{"schedule": [86401]}"#, "schedule has to be an array"),
        (#"{"schedule": [1.5]}"#, "schedule has to be an array"),
        (#"{"schedule": ["5"]}"#, "schedule has to be an array"),
        (#"{"schedule": [9223372036854775807]}"#, "schedule has to be an array"),
        (
            #"{"schedule": [\#(Array(repeating: "1", count: 101).joined(separator: ","))]}"#,
            "schedule has to be an array"
        ),
        (#"{"schedule": "often"}"#, "there is no schedule of the name often; there are standard-webhooks."),
        (#"{"schedule": [5], "minimum_delay": 5}"#, "schedule and minimum_delay exclude each other."),
    ])
    func `An invalid policy is refused with the texts of the Messaging API`(policy: String, words: String) {
        #expect(self.words(of: #"{"_retry_policy": \#(policy)}"#)?.contains(words) == true)
    }

    @Test(arguments: [
        "{}", "null", #"{"minimum_delay": 1, "maximum_delay": 11, "retries_with_no_delay": 2}"#, #"{"unknown": 1}"#,
        #"{"minimum_delay": 0, "maximum_delay": 10, "retry_backoff_function": "arithmetic"}"#,
        #"{"minimum_delay": 86390, "maximum_delay": 86400, "retries_with_no_delay": 100, "maximum_delay_retries": 0}"#,
        #"{"minimum_delay": null, "retry_backoff_function": null, "ignore_subscription_override": null}"#,
        #"{"schedule": [], "ignore_subscription_override": true}"#, #"{"schedule": "standard-webhooks"}"#,
        #"{"schedule": [5, 86400], "maximum_delay": null}"#, #"{"schedule": null, "maximum_delay": 60}"#,
    ])
    func `A sound policy is kept`(policy: String) {
        #expect(self.words(of: #"{"_retry_policy": \#(policy)}"#) == nil)
    }

    @Test func `A schedule is the waits it names, and a name stands for one`() throws {
        #expect(
            try self.options(#"{"_retry_policy": {"schedule": [5, 300]}}"#).retryPolicy == RetryPolicy(waits: [5, 300]))
        #expect(try self.options(#"{"_retry_policy": {"schedule": []}}"#).retryPolicy?.attemptsMax == 1)
        let named = try self.options(#"{"_retry_policy": {"schedule": "standard-webhooks"}}"#).retryPolicy
        #expect(named == RetryPolicy.Preset.standardWebhooks.policy)
        var strict = RetryPolicy(waits: [5])
        strict.ignoresSubscriptions = true
        let text = #"{"schedule": [5], "ignore_subscription_override": true}"#
        #expect(try self.options(#"{"_retry_policy": \#(text)}"#).retryPolicy == strict)
        #expect(try RetryPolicyShape.read(text: text) == strict)
        // The version before stored it unread.
        #expect(try self.options(#"{"_retry_policy": {"schedule": "often", "minimum_delay": 5}}"#) == DeliveryOptions())
        for text in ["", "{}", "[]", "{", #"{"schedule": 1}"#] {
            #expect(throws: Refusal.self) { try RetryPolicyShape.read(text: text) }
        }
    }

    @Test func `What is stored is read with defaults for what it leaves out`() throws {
        var expected = RetryPolicy()
        expected.maximumDelayRetries = 5
        #expect(try self.options(#"{"a": 1, "_retry_policy": {"maximum_delay_retries": 5}}"#).retryPolicy == expected)
        // An object with only unknown members is a policy, with nothing but defaults.
        #expect(try self.options(#"{"_retry_policy": {"unknown": 1}}"#).retryPolicy == RetryPolicy())
        #expect(try self.options(#"{"_retry_policy": {}}"#).retryPolicy == nil)
        #expect(try self.options("{}") == DeliveryOptions())
    }

    @Test(arguments: [
        "", "[]", #"{"_retry_policy": {"minimum_delay": 99999999}, "post_headers": {"X-A": "b"}}"#,
        #"{"post_data": 7}"#,
        #"{"_disable_on_gone": 1}"#,
    ])
    func `Stored options with a part that does not pass are unreadable as a whole`(text: String) {
        #expect(DeliveryOptions(stored: Array(text.utf8)) == nil)
    }

    @Test func `Whether 410 disables is a boolean, false unless said`() throws {
        #expect(try !self.options("{}").disablesOnGone && !self.options(#"{"_disable_on_gone": null}"#).disablesOnGone)
        #expect(try self.options(#"{"_disable_on_gone": true}"#).disablesOnGone)
        #expect(self.words(of: #"{"_disable_on_gone": 1}"#)?.contains("has to be a boolean") == true)
    }

    // MARK: Signatures

    @Test func `Signatures are those of the secret unless the option says otherwise`() throws {
        for text in ["{}", #"{"_signature": null}"#, #"{"_signature": "v1"}"#] {
            #expect(try self.options(text).signatures == .symmetric && self.words(of: text) == nil)
        }
        #expect(try self.options(#"{"_signature": "v1a"}"#).signatures == .asymmetric)
        #expect(try self.options(#"{"_signature": "v1 v1a"}"#).signatures == .both)
        let body = try self.body(options: #"{"_signature": "v1 v1a"}"#)
        #expect(body.signatures == .both && body.signatures.includesSymmetric && body.signatures.includesAsymmetric)
        #expect(!SignatureSchemes.symmetric.includesAsymmetric && !SignatureSchemes.asymmetric.includesSymmetric)
        // What the queue says of mails changes nothing of it.
        #expect(try self.options(#"{"_signature": "v1a"}"#).filled(from: .none).signatures == .asymmetric)
    }

    @Test(arguments: [
        "1", "true", "[]", #"["v1a"]"#, "{}", "\"\"", #""v2""#, #""V1A""#, #""v1a v1""#, #""v1  v1a""#, #""v1,v1a""#,
        #"" v1""#,
    ])
    func `Another signature is refused with those there are, and unreadable where it is stored`(value: String) {
        #expect(
            self.words(of: #"{"_signature": \#(value)}"#)
                == #"The option _signature has to be one of "v1", "v1a", "v1 v1a"."#)
        #expect(DeliveryOptions(stored: Array(#"{"_signature": \#(value)}"#.utf8)) == nil)
    }

    @Test func `Only subscribers that are sent webhooks have asymmetric signatures`() throws {
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        func body(_ subscriber: String, _ value: String) throws(Refusal) {
            _ = try SubscriptionBody(
                document: Array(#"{"subscriber": "\#(subscriber)", "options": {"_signature": "\#(value)"}}"#.utf8),
                now: now, schemes: Subscriber.Scheme.allCases)
        }
        for subscriber in ["https://a", "trust+https://a"] { try body(subscriber, "v1a") }
        try body("mailto:a@b.example", "v1")
        for value in ["v1a", "v1 v1a"] {
            #expect(throws: Refusal.self) { try body("mailto:a@b.example", value) }
            let session = try #require(
                try JSONObject(document: Array(#"{"options": {"_signature": "\#(value)"}}"#.utf8)))
            #expect(throws: Refusal.self) { try SessionSubscriptionBody(session, now: now) }
        }
    }

    // MARK: Formats

    @Test func `Webhooks hold the notification unless the option says otherwise`() throws {
        for text in ["{}", #"{"_format": null}"#, #"{"_format": "zaqar", "post_data": ""}"#] {
            #expect(try self.options(text).format == .zaqar && self.words(of: text) == nil)
        }
        let formats: [(String, DeliveryFormat)] = [
            ("raw", .raw), ("cloudevents", .cloudEvents), ("cloudevents-binary", .cloudEventsBinary),
        ]
        for (value, format) in formats {
            let text = #"{"_format": "\#(value)"}"#
            #expect(try self.options(text).format == format)
            #expect(try self.options(text).filled(from: .none).format == format)
            #expect(DeliveryOptions(stored: Array(text.utf8))?.format == format)
            #expect(try self.body(options: text).format == format)
        }
    }

    @Test(arguments: ["1", "true", "[]", #"["raw"]"#, "{}", "\"\"", #""RAW""#, #"" raw""#, #""cloudevents-batch""#])
    func `Another format is refused with those there are, and counts for nothing where it is stored`(value: String) {
        let text = #"{"_format": \#(value), "_disable_on_gone": true}"#
        #expect(
            self.words(of: text)
                == #"The option _format has to be one of "zaqar", "raw", "cloudevents", "cloudevents-binary"."#)
        let stored = DeliveryOptions(stored: Array(text.utf8))
        #expect(stored?.format == .zaqar && stored?.disablesOnGone == true)
    }

    @Test func `A format is not beside another body, nor an event beside headers that it is read from`() throws {
        for value in ["raw", "cloudevents", "cloudevents-binary"] {
            #expect(
                self.words(of: #"{"_format": "\#(value)", "post_data": "x"}"#)
                    == "The options _format and post_data exclude each other.")
            #expect(self.words(of: #"{"_format": "\#(value)", "post_headers": {"X-Ce-Id": "1"}}"#) == nil)
        }
        for name in ["Content-Type", "content-type", "ce-id", "CE-Extension"] {
            for value in ["cloudevents", "cloudevents-binary"] {
                #expect(
                    self.words(of: #"{"_format": "\#(value)", "post_headers": {"\#(name)": "1"}}"#)
                        == "The option post_headers may not set \(name) beside the format \(value).")
            }
            #expect(self.words(of: #"{"_format": "raw", "post_headers": {"\#(name)": "1"}}"#) == nil)
        }
    }

    @Test func `Only subscribers that are sent webhooks have a format`() throws {
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        func body(_ subscriber: String, _ value: String) throws(Refusal) {
            _ = try SubscriptionBody(
                document: Array(#"{"subscriber": "\#(subscriber)", "options": {"_format": "\#(value)"}}"#.utf8),
                now: now, schemes: Subscriber.Scheme.allCases)
        }
        try body("mailto:a@b.example", "zaqar")
        for value in ["raw", "cloudevents", "cloudevents-binary"] {
            for subscriber in ["https://a", "trust+https://a"] { try body(subscriber, value) }
            #expect(throws: Refusal.self) { try body("mailto:a@b.example", value) }
            let session = try #require(
                try JSONObject(document: Array(#"{"options": {"_format": "\#(value)"}}"#.utf8)))
            #expect(throws: Refusal.self) { try SessionSubscriptionBody(session, now: now) }
        }
    }

    // MARK: Bodies

    private func rendered(_ template: String, _ message: String) throws -> String {
        String(decoding: try PostTemplate(template).rendered(with: Array(message.utf8).span), as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"foo":"bar","egg":"$zaqar_message$"}"#, #"{"foo":"bar","egg":M}"#), (#""$zaqar_message$""#, "M"),
        ("plain", "plain"), ("", ""), (#"$zaqar_message$"#, #"$zaqar_message$"#),
        (#"{"a": "x $zaqar_message$"}"#, #"{"a": "x $zaqar_message$"}"#),
        (#"{"a": "$zaqar_message$ x"}"#, #"{"a": "$zaqar_message$ x"}"#),
        (#"["$zaqar_message$","$zaqar_message$", "é"]"#, #"[M,M, "é"]"#),
        (#""$zaqar_message$"$zaqar_message$""#, #"M$zaqar_message$""#), (#"""$zaqar_message$"""#, #""M""#),
        (#""$zaqar_message"#, #""$zaqar_message"#), (#"'$zaqar_message$'"#, #"'$zaqar_message$'"#),
    ])
    func `The quoted token makes place for the message, and nothing else does`(
        template: String, body: String
    ) throws {
        #expect(try self.rendered(template, #"{"b":1}"#) == body.replacing("M", with: #"{"b":1}"#))
    }

    @Test func `A message that holds the token is not cut open`() throws {
        let message = #"{"body":"$zaqar_message$","x":["$zaqar_message$"]}"#
        #expect(
            try self.rendered(#"{"a":"$zaqar_message$","b":"$zaqar_message$"}"#, message)
                == #"{"a":\#(message),"b":\#(message)}"#)
    }

    @Test func `A template has bounds`() {
        let token = #"\"$zaqar_message$\""#
        let most = String(repeating: token, count: PostTemplate.tokensMax)
        #expect(self.words(of: #"{"post_data": "\#(most)"}"#) == nil)
        #expect(self.words(of: #"{"post_data": "\#(most)\#(token)"}"#)?.contains("at most 4 times") == true)
        let long = String(repeating: "x", count: PostTemplate.bytesMax)
        #expect(self.words(of: #"{"post_data": "\#(long)"}"#) == nil)
        #expect(self.words(of: #"{"post_data": "\#(long)x"}"#)?.contains("at most 65536 bytes") == true)
        #expect(self.words(of: #"{"post_data": {}}"#)?.contains("has to be a string") == true)
    }

    // MARK: Headers

    @Test func `Headers are read in their order, blanks around values cut off`() throws {
        let headers = try self.options(
            #"{"post_headers": {"X-Project-ID": "p", "Client-ID": " \t a b ", "content-type": "text/plain", "X": ""}}"#
        ).headers.headers
        #expect(headers.map(\.name) == ["X-Project-ID", "Client-ID", "content-type", "X"])
        #expect(headers.map(\.value) == ["p", "a b", "text/plain", ""])
    }

    @Test(arguments: [
        "Host", "CONTENT-LENGTH", "Transfer-Encoding", "connection", "Expect", "Keep-Alive", "TE", "Trailer", "Upgrade",
        "Proxy-Connection", "Proxy-Authorization", "proxy-authenticate", "webhook-id", "Webhook-Signature",
        "webhook-anything", "herald-attempt", "HERALD-X", "WebHook-Timestamp", "HERALD-MESSAGE-TYPE", "hErAlD-",
        "WEBHOOK-",
        "HOST", "content-length", "transfer-ENCODING", "KEEP-ALIVE", "te", "uPGRADE",
    ])
    func `What frames a request, and what receivers trust us for, is not the subscriber's to set`(name: String) {
        #expect(self.words(of: #"{"post_headers": {"\#(name)": "x"}}"#)?.contains("may not set \(name)") == true)
    }

    @Test(arguments: [
        (#""X": "a\r\nHost: evil""#, "line break"), (#""X\r\nHost": "evil""#, "line break"),
        (#""X": "a\u0000b""#, "NUL"),
        (#""X\n": "a""#, "line break"), (#""X: Y": "a""#, "name that is none"), (#""": "a""#, "name that is none"),
        (#""X Y": "a""#, "name that is none"), (#""Ü": "a""#, "name that is none"),
        // Lone halves of a line break, and the folded lines of old (RFC 9112, 5.2).
        (#""X": "a\rb""#, "line break"), (#""X": "a\nb""#, "line break"), (#""X": "a\r\n b""#, "line break"),
        (#""X": "a\n\tb""#, "line break"), (#""X": "\r\n""#, "line break"), (#""X\u0000": "a""#, "NUL"),
        (#""X\r": "a""#, "line break"), (#""\nX": "a""#, "line break"),
        (#""X:": "a""#, "name that is none"), (#"":X": "a""#, "name that is none"),
        (#"" X": "a""#, "name that is none"),
        (#""X ": "a""#, "name that is none"), (#""X\t": "a""#, "name that is none"),
        (#""Host ": "a""#, "name that is none"), (#""webhook-id:": "a""#, "name that is none"),
        (#""\u00a0X": "a""#, "name that is none"), (#""X\u200b": "a""#, "name that is none"),
        (#""X": "a\u001b[2J""#, "control characters"), (#""X": "a\u000bb""#, "control characters"),
        (#""X": "a\u0001""#, "control characters"), (#""X": "\u007f""#, "control characters"),
        (#""X": null"#, "object of strings"), (#""X": 1"#, "object of strings"), (#""X": ["a"]"#, "object of strings"),
        (#""X-A": "1", "x-a": "2""#, "only once"),
    ])
    func `Nothing can be smuggled in through a header`(member: String, words: String) {
        #expect(self.words(of: #"{"post_headers": {\#(member)}}"#)?.contains(words) == true)
    }

    @Test func `Headers have bounds`() {
        func headers(_ count: Int, bytes: Int = 1) -> String {
            let members = (0..<count).map { #""X-\#($0)": "\#(String(repeating: "y", count: bytes))""# }
            return #"{"post_headers": {\#(members.joined(separator: ","))}}"#
        }
        #expect(self.words(of: headers(PostHeaders.countMax)) == nil)
        #expect(self.words(of: headers(PostHeaders.countMax + 1))?.contains("at most 32 headers") == true)
        #expect(self.words(of: headers(1, bytes: PostHeaders.bytesMax))?.contains("at most 8192 bytes") == true)
    }
}
