import Documents
import Domain
import JSON
import TestKit
import Testing

/// What callers send as a body: whatever its bytes, each reader takes or refuses it.
struct BodyFuzzTests {
    private static let tokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "-", ".", "e", "E+", "null", "true", " ",
        "\n",
        "\0", "é", "𝄞", "\u{FEFF}", "_", "/", "~1", "~0", "$zaqar_message$", "http://", "@", "%00",
    ]

    private func fuzzer(_ name: String, _ corpus: [String], rounds: Int = 4000) -> Fuzzer {
        Fuzzer("wire-\(name)", corpus: corpus, tokens: Self.tokens, rounds: rounds)
    }

    @Test(.timeLimit(.minutes(60))) func `A document is read or refused, and what is read has a canonical text`() throws
    {
        var fuzzer = self.fuzzer(
            "json",
            [
                #"{"a":1,"b":[true,false,null,-0.5e-3],"c":{"d":"é\n\u00e9\ud834\udd1e"}}"#, #"[[[[]]],{"":""}]"#, "{}",
                "[]",
                #"{"n":9223372036854775807,"m":-9223372036854775808}"#,
            ])
        let origin = fuzzer.origin
        try fuzzer.run { (bytes: [UInt8]) in
            var reader = JSONReader()
            var isRead = false
            do throws(JSONInvalid) {
                _ = try reader.value(in: bytes.span)
                try reader.end(in: bytes.span)
                isRead = true
            } catch {
                #expect((0...bytes.count).contains(error.offset), "\(origin): \(bytes)")
            }
            let object = try? JSONObject(document: bytes)
            for member in object?.members ?? [] { #expect(isRead && member.value.range.upperBound <= bytes.count) }
        }
    }

    @Test(.timeLimit(.minutes(60))) func `Every body of a request is taken or refused`() throws {
        var fuzzer = self.fuzzer(
            "bodies",
            [
                #"{"messages":[{"ttl":300,"delay":20,"body":{"a":1}},{"body":"x"}]}"#,
                #"[{"op":"replace","path":"/metadata/_max_messages_post_size","value":1000}]"#,
                #"{"_default_message_ttl":3600,"_retry_policy":{"minimum_delay":1,"maximum_delay":30},"x":[1]}"#,
                #"{"subscriber":"http://a.example/","ttl":3600,"options":{"_ordered":true}}"#,
                #"{"ttl":300,"grace":60}"#,
                #"{"paths":["messages"],"methods":["GET"],"expires":"2026-01-01T00:00:00"}"#,
                #"{"resource_types":["messages","subscriptions"]}"#, #"{"confirmed":true}"#,
                #"{"uri":"redis://127.0.0.1:6379","weight":10,"options":{}}"#, #"{"pool_list":["a","b"]}"#,
                #"{"subscription":"a","reason":"exhausted","since":"2026-01-01T00:00:00","rate":5}"#,
                #"{"overlap":60}"#,
            ])
        let queue = try QueueName("q")
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        try fuzzer.run { (bytes: [UInt8]) in
            _ = try? PostBody(bytes.span, countMax: 1000)
            _ = try? QueueMetadata(document: bytes, of: queue, limits: Limits())
            _ = QueueMetadata(stored: bytes)
            _ = try? QueuePatch(document: bytes)
            _ = try? SubscriptionBody(document: bytes, now: now)
            _ = try? SubscriptionPatch(document: bytes, now: now)
            _ = try? ClaimBody(document: bytes)
            _ = try? ShareBody(document: bytes)
            _ = try? PurgeBody(document: bytes)
            _ = try? ConfirmationBody(document: bytes)
            _ = try? SecretRotationBody(document: bytes)
            _ = try? RedriveBody(document: bytes)
            _ = try? TestBody(document: bytes)
            _ = try? FlavorBody(put: bytes)
            _ = try? FlavorBody(patch: bytes)
        }
    }

    @Test(.timeLimit(.minutes(60))) func `An address of a subscriber is taken or refused`() throws {
        var fuzzer = self.fuzzer(
            "subscriber",
            [
                "http://a.example/p?q=1", "https://u:p@[::1]:8443/x#f", "mailto:a@b.example?subject=x", "http:/host/p",
                #"http://u\@host/"#, "http://14", "HTTP://A", "trust+http://a/",
            ])
        try fuzzer.run { (bytes: [UInt8]) in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let subscriber = try? Subscriber(text) else { return }
            #expect(subscriber.uri.utf8.elementsEqual(text.utf8), "it is kept as it was given")
        }
    }

    @Test(.timeLimit(.minutes(60))) func `Options that were stored are read, whatever they are`() throws {
        var fuzzer = self.fuzzer(
            "options",
            [
                #"{"_retry_policy":{"retries_with_no_delay":3,"minimum_delay_retries":3,"minimum_delay":5,"maximum_delay":30}}"#,
                #"{"_ordered":true,"_rate_limit":100,"_disable_on_gone":true}"#,
                #"{"post_data":"{\"m\":\"$zaqar_message$\"}","post_headers":{"X-A":"b","Y":" c "}}"#,
            ])
        try fuzzer.run { (bytes: [UInt8]) in
            guard let options = DeliveryOptions(stored: bytes) else { return }
            for header in options.headers.headers {
                #expect(!header.name.isEmpty && !header.value.utf8.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 })
            }
        }
    }

    @Test(.timeLimit(.minutes(60))) func `A template is rendered to its bound, or refused`() throws {
        var fuzzer = self.fuzzer(
            "template",
            [
                #"{"a":"$zaqar_message$"}"#, #""$zaqar_message$""$zaqar_message$""#, "no token", "",
                #""$zaqar_message""#,
            ], rounds: 2000)
        let message = Array(#"{"body":"$zaqar_message$"}"#.utf8)
        try fuzzer.run { (bytes: [UInt8]) in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let template = try? PostTemplate(text) else { return }
            let rendered = template.rendered(with: message.span)
            let (taken, rest) = (text.utf8.count - template.count).quotientAndRemainder(dividingBy: 17)
            #expect(rest == 0 && (0...PostTemplate.tokensMax).contains(taken))
            #expect(rendered.count == template.count + taken * message.count)
        }
    }
}
