import Domain
import Signing
import Testing

struct BounceMarkTests {
    private static let address = "mailto:jo@example.com"

    private static func keys(_ keys: [String] = [], master: String = "1") throws -> LinkKeys {
        try LinkKeys(
            masterKey: MasterKey(String(repeating: "0\(master)", count: 32)), keys: keys.map { try LinkKey($0) })
    }

    @Test func `A mark is genuine for its subscription and address alone, and every character of it counts`() throws {
        let keys = try Self.keys()
        let id = try #require(SubscriptionID("0123456789abcdefghjkmnpqrst"))
        let mark = keys.bounceMark(of: id, sentTo: Self.address)
        #expect(mark.text.utf8.count == BounceMark.characters && mark.subscription == id)
        #expect(keys.isGenuine(mark, sentTo: Self.address))
        #expect(!keys.isGenuine(mark, sentTo: "mailto:jo@example.org"))
        #expect(
            keys.bounceMark(of: id, sentTo: Self.address) == mark, "every attempt of a delivery sends the same mail")
        #expect(BounceMark(mark.text.uppercased()) == mark)
        for index in 0..<BounceMark.characters {
            var text = Array(mark.text.utf8)
            text[index] = text[index] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            let altered = try #require(BounceMark(String(decoding: text, as: UTF8.self)))
            #expect(!keys.isGenuine(altered, sentTo: Self.address), "character \(index)")
        }
    }

    @Test func `Marks outlive a rotation of the keys of links, and are those of one deployment`() throws {
        let id = try #require(SubscriptionID("0123456789abcdefghjkmnpqrst"))
        let mark = try Self.keys().bounceMark(of: id, sentTo: Self.address)
        let rotated = try Self.keys([String(repeating: "3d", count: 32)])
        #expect(rotated.isGenuine(mark, sentTo: Self.address))
        #expect(rotated.bounceMark(of: id, sentTo: Self.address) != mark)
        #expect(try !Self.keys(master: "2").isGenuine(mark, sentTo: Self.address))
    }
}
