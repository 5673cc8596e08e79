import Domain
import Signing
import Testing

struct LinkKeysTests {
    private static let master = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    private static let other = "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)
    private static let address = "mailto:jo@example.com"

    private static func keys(_ keys: [String] = [], master: String = Self.master) throws -> LinkKeys {
        try LinkKeys(masterKey: MasterKey(master), keys: keys.map { try LinkKey($0) })
    }

    private static func token(
        _ purpose: LinkToken.Purpose = .confirm, queue: String = "alerts", project: String = "a project",
        expiry: Int64? = 1_800_000_060
    ) throws -> LinkToken {
        LinkToken(
            purpose, of: try #require(SubscriptionID("0123456789abcdefghjkmnpqrst")),
            in: QueueAddress(project: try ProjectID(project), name: try QueueName(queue)), sentTo: Self.address,
            expiry: expiry)
    }

    @Test(arguments: LinkToken.Purpose.allCases, [nil, 1_800_000_060] as [Int64?])
    func `A token opens as what was sealed, for its purpose only`(
        purpose: LinkToken.Purpose, expiry: Int64?
    ) throws {
        let keys = try Self.keys()
        let token = try Self.token(purpose, expiry: expiry)
        let text = try #require(keys.seal(token))
        #expect(try keys.open(text, for: purpose, at: Self.now) == token)
        #expect(keys.seal(token) == text, "every attempt of a delivery sends the same link")
        for wrong in LinkToken.Purpose.allCases where wrong != purpose {
            #expect(throws: LinkTokenInvalid.forged) { try keys.open(text, for: wrong, at: Self.now) }
        }
    }

    @Test func `A token ends in the second of its expiry`() throws {
        let keys = try Self.keys()
        let text = try #require(keys.seal(try Self.token(expiry: 1_800_000_001)))
        #expect(throws: Never.self) {
            try keys.open(text, for: .confirm, at: Timestamp(milliseconds: 1_800_000_000_999))
        }
        #expect(throws: LinkTokenInvalid.expired) {
            try keys.open(text, for: .confirm, at: Timestamp(milliseconds: 1_800_000_001_000))
        }
    }

    @Test func `Every character of a token counts, and so does its length`() throws {
        let keys = try Self.keys()
        let text = Array(try #require(keys.seal(try Self.token())).utf8)
        let alphabet = Array("ABab01-_+/=.%é ".utf8)
        for index in text.indices {
            for character in alphabet where character != text[index] {
                var altered = text
                altered[index] = character
                #expect(throws: LinkTokenInvalid.forged, "\(index)") {
                    try keys.open(String(decoding: altered, as: UTF8.self), for: .confirm, at: Self.now)
                }
            }
        }
        let whole = String(decoding: text, as: UTF8.self)
        var others = ["", "A", whole + "=", whole + "A", String(whole.dropLast()), whole + whole, " " + whole]
        others.append(String(repeating: "A", count: LinkKeys.textMax + 1))
        for other in others {
            #expect(throws: LinkTokenInvalid.forged, "\(other)") {
                try keys.open(other, for: .confirm, at: Self.now)
            }
        }
    }

    @Test func `Any bit that is altered in the bytes of a token is found`() throws {
        let keys = try Self.keys()
        let text = try #require(keys.seal(try Self.token()))
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        let characters = Array(text.utf8)
        for index in characters.indices {
            let value = try #require(alphabet.firstIndex(of: characters[index]))
            for bit in 0..<6 {
                var altered = characters
                altered[index] = alphabet[value ^ 1 << bit]
                #expect(throws: LinkTokenInvalid.forged, "\(index), bit \(bit)") {
                    try keys.open(String(decoding: altered, as: UTF8.self), for: .confirm, at: Self.now)
                }
            }
        }
    }

    @Test func `Tokens outlive the keys that come after theirs, and no others`() throws {
        let token = try Self.token()
        let before = try #require(try Self.keys().seal(token))
        let during = try #require(try Self.keys([Self.other]).seal(token))
        #expect(before != during)
        let rotated = try Self.keys(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", Self.other])
        for text in [before, during] { #expect(try rotated.open(text, for: .confirm, at: Self.now) == token) }
        #expect(throws: LinkTokenInvalid.forged) { try Self.keys().open(during, for: .confirm, at: Self.now) }
        #expect(throws: LinkTokenInvalid.forged) {
            try Self.keys(master: Self.other).open(before, for: .confirm, at: Self.now)
        }
    }

    @Test func `A token is text for URLs, bounded, and shows nothing of what it holds`() throws {
        let keys = try Self.keys()
        let longest = try Self.token(
            queue: String(repeating: "q", count: 64), project: String(repeating: "p", count: 256))
        let text = try #require(keys.seal(longest))
        #expect(text.utf8.count <= LinkKeys.textMax && LinkKeys.textMax <= 750)
        #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        #expect(try keys.open(text, for: .confirm, at: Self.now) == longest)
        #expect(!text.contains("alerts"))
        // 256 characters of two bytes.
        #expect(keys.seal(try Self.token(project: String(repeating: "é", count: 193))) == nil)
        #expect(keys.seal(try Self.token(project: String(repeating: "é", count: 192))) != nil)
        #expect(
            "\(try LinkKey(Self.other)) \(String(reflecting: try LinkKey(Self.other)))"
                == "<key of links> <key of links>")
    }

    @Test func `An address is recognised by its mark, byte for byte`() {
        #expect(AddressMark(of: Self.address) == AddressMark(of: Self.address))
        for other in ["mailto:Jo@example.com", "mailto:jo@example.co", "", "mailto:jo@example.com "] {
            #expect(AddressMark(of: Self.address) != AddressMark(of: other))
        }
    }
}
