import Domain
import Testing

struct QueueNameTests {
    @Test(arguments: [
        "a", "...", ".a", "a..b", "Nice-Boat_2", "Service.test_queue", "0123456789", String(repeating: "q", count: 64),
    ])
    func `A name of 1 to 64 allowed characters is a queue's name`(text: String) throws {
        #expect(try QueueName(text).text == text)
    }

    @Test(arguments: ["", ".", "..", "Nice-Bo@t", "a b", "a/b", "œ", "Ä", "日本", String(repeating: "q", count: 65)])
    func `Any other name is refused`(text: String) {
        #expect(throws: Refusal.queueNameInvalid) { try QueueName(text) }
    }

    @Test func `Names sort by byte, not by the reader's language`() throws {
        #expect(try QueueName("Z") < QueueName("a"))
        #expect(try QueueName("a.b") < QueueName("a_b"))
    }
}

struct ProjectIDTests {
    @Test func `A project id may hold any characters`() throws {
        #expect(try ProjectID("JAM Project: é.日本").text == "JAM Project: é.日本")
    }

    @Test func `Its length is counted in characters, not in bytes`() throws {
        #expect(try ProjectID(String(repeating: "é", count: 256)).text.utf8.count == 512)
        #expect(throws: Refusal.projectTooLong) { try ProjectID(String(repeating: "é", count: 257)) }
    }

    @Test func `U+FFFD stands for bytes that are no UTF-8, and identifies no client`() {
        #expect(throws: Refusal.projectMalformed) { try ProjectID("\u{FFFD}") }
        #expect(throws: Refusal.projectMalformed) { try ProjectID("a\u{FFFD}\u{301}b") }
        #expect(throws: Refusal.clientMalformed) { try ClientID(verbatim: "worker-\u{FFFD}", characters: 1...300) }
    }

    @Test func `Spellings that Unicode holds equivalent are different identities, everywhere`() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        #expect(composed == decomposed)
        let projects = [try ProjectID(composed), try ProjectID(decomposed)]
        #expect(projects[0] != projects[1] && Set(projects).count == 2)
        let queues = try projects.map { QueueAddress(project: $0, name: try QueueName("q")) }
        #expect(queues[0] != queues[1] && Set(queues).count == 2)
        let topics = try projects.map { TopicAddress(project: $0, name: try TopicName("t")) }
        #expect(topics[0] != topics[1] && Set(topics).count == 2)
        let clients = try [composed, decomposed].map { try ClientID(verbatim: $0, characters: 1...300) }
        #expect(clients[0] != clients[1] && Set(clients).count == 2)
        let subscribers = try [composed, decomposed].map { try Subscriber("http://a/\($0)") }
        #expect(subscribers[0] != subscribers[1] && Set(subscribers).count == 2)
        #expect(try ProjectID(composed) == projects[0] && Set([projects[0], try ProjectID(composed)]).count == 1)
    }

    @Test func `Missing and empty differ`() {
        #expect(throws: Refusal.projectMissing) { try ProjectID(nil) }
        #expect(throws: Refusal.projectEmpty) { try ProjectID("") }
    }
}

struct QueueAddressTests {
    @Test func `No two pairs of project and queue share a key`() throws {
        let pairs = [("a", "b"), ("a:b", "c"), ("a", "b.c"), ("a.b", "c"), ("1:a", "b"), ("pr.oj", "queues_set")]
        let keys = try pairs.map { try QueueAddress(project: ProjectID($0.0), name: QueueName($0.1)).key }
        #expect(Set(keys).count == pairs.count)
    }
}

struct ClientIDTests {
    static let canonical = "3381af92-2b9e-11e3-b191-71861300734c"

    @Test(arguments: [
        "3381af92-2b9e-11e3-b191-71861300734c", "3381AF922B9E11E3B19171861300734C",
        "{3381af92-2b9e-11e3-b191-71861300734c}", "urn:uuid:3381af92-2b9e-11e3-b191-71861300734C",
    ])
    func `Every spelling of a UUID is the same client`(text: String) throws {
        #expect(try ClientID(uuid: text).text == Self.canonical)
    }

    @Test(arguments: [
        "", "0xdeadbeef", "textid", "3381af92-2b9e-11e3-b191-71861300734", "3381af9-22b9e-11e3-b191-71861300734c0",
        "3381af92-2b9e-11e3-b191-71861300734g", "3381af922b9e11e3b19171861300734c0", "é381af922b9e11e3b19171861300734",
    ])
    func `What is not a UUID is refused`(text: String) {
        #expect(throws: Refusal.clientMalformed) { try ClientID(uuid: text) }
    }

    @Test func `A missing id differs from a malformed one`() {
        #expect(throws: Refusal.clientMissing) { try ClientID(uuid: nil) }
    }
}

struct MessageIDTests {
    static let tag = Array("0123456789abcdef".utf8)

    @Test func `An id carries its position and reads back`() throws {
        let id = MessageID(position: Position(3_612_345_678_901_234), tag: Self.tag)
        #expect(id.text.utf8.count == 27)
        let read = try #require(MessageID(id.text))
        #expect(read == id)
        #expect(read.position == Position(3_612_345_678_901_234))
    }

    @Test func `Ids sort in the order of their positions`() {
        let positions: [Int64] = [1, 31, 32, 33, 1 << 20, 1 << 40, (1 << 53) - 1]
        let texts = positions.map { MessageID(position: Position($0), tag: Self.tag).text }
        #expect(texts == texts.sorted())
    }

    @Test(arguments: [
        "", "a", "nada", "; DROP TABLE queues", "0000000000a0123456789abcde", "0000000000a0123456789abcdefg",
        "0000000000A0123456789abcdef", "0000000000i0123456789abcdef", "0000000000a0123456789abcde\u{e9}",
        "zzzzzzzzzzz0123456789abcdef", "fake-fake-fake-fake-fake-27",
    ])
    func `Text that cannot be an id is none`(text: String) {
        #expect(MessageID(text) == nil)
    }
}

struct SubscriptionIDTests {
    @Test(arguments: ["", "fake", "123", "0000000000a0123456789abcde-", "0000000000a0123456789abcdefg"])
    func `Text that cannot be an id is none`(text: String) {
        #expect(SubscriptionID(text) == nil)
    }

    @Test func `27 characters of the alphabet are one`() {
        #expect(SubscriptionID("0000000000a0123456789abcdef")?.text == "0000000000a0123456789abcdef")
    }
}

struct Base32Tests {
    @Test func `Bytes become text five bits at a time`() {
        #expect(String(decoding: Base32.encode([0xff, 0x00, 0xff, 0x00, 0xff]), as: UTF8.self) == "zw0fy07z")
        #expect(String(decoding: Base32.encode([0x80]), as: UTF8.self) == "g0")
        #expect(Base32.encode([]).isEmpty)
    }

    @Test(arguments: [0, 1, 31, 32, 1 << 40, (1 << 55) - 1] as [UInt64])
    func `Numbers read back`(number: UInt64) {
        #expect(Base32.decode(Base32.encode(number, count: 11)) == number)
    }
}

struct SubscriberTests {
    @Test(arguments: [
        "http://fake:8080", "https://hook.example/in?a=b", "HTTP://x", "http:", "http://0", "mailto:a@b.c",
    ])
    func `Only the scheme of an address is looked at`(uri: String) throws {
        #expect(try Subscriber(uri).uri == uri)
    }

    @Test(arguments: ["", "fake", "email://fake", "ftp://x", "://x", "http"])
    func `Other schemes are refused with the list of those that work`(uri: String) {
        #expect(
            throws: Refusal.subscriberSchemeUnsupported(supported: [
                "http", "https", "mailto", "trust+http", "trust+https",
            ])
        ) {
            try Subscriber(uri)
        }
    }
}

struct TimestampTests {
    @Test func `No time that a damaged store holds ends the process`() {
        let (first, last) = (Timestamp(milliseconds: .min), Timestamp(milliseconds: .max))
        #expect(last.adding(seconds: 1) == last && last.adding(milliseconds: 1) == last)
        #expect(first.adding(seconds: .min) == first && first.adding(milliseconds: -1) == first)
        #expect(Timestamp(milliseconds: 0).adding(seconds: .max) == last)
        #expect(last.milliseconds(since: first) == .max && first.milliseconds(since: last) == .min)
        #expect(last.wholeSeconds(since: first) == Int(Int64.max / 1000) && first.wholeSeconds(since: last) == 0)
        for (expiresAt, now) in [(first, last), (last, first)] {
            let decision = DeliveryDecision(
                after: .deferred(code: 503, notBefore: .time(last)), attempt: 1, policy: RetryPolicy(),
                expiresAt: expiresAt, now: now, notBeforeMax: .seconds(3600), chance: 0.5)
            #expect(decision == (expiresAt == first ? .deadLetter(.expired) : .retry(after: .milliseconds(3_780_000))))
        }
    }
}
