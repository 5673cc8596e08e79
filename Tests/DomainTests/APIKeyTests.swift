import Domain
import Testing

/// The text of API keys, and what restricts them.
struct APIKeyTests {
    private let id = APIKeyID(random: [1, 2, 3, 4, 5, 6, 7, 8])

    @Test func `A key is read as it is written, and nothing else is one`() throws {
        let token = APIKeyToken(self.id, random: (0..<20).map { UInt8($0) })
        #expect(token.text.count == 48 && token.text.hasPrefix("hk_"))
        let read = try #require(APIKeyToken(token.text))
        #expect(read.id == self.id && read.secret == token.secret)
        for text in [
            "", "hk_", "hk_a_b", token.text + "0", String(token.text.dropLast()), token.text.uppercased(),
            token.text.replacing("hk_", with: "hx_"), token.text.replacing("_", with: "-"),
            String(token.text.dropLast()) + "u", String(token.text.dropLast()) + "é",
        ] { #expect(APIKeyToken(text) == nil, "\(text)") }
    }

    @Test func `A pattern names a queue, or what names begin with`() throws {
        let (orders, order) = (try QueueName("orders-eu"), try QueueName("order"))
        let prefix = try #require(QueuePattern("orders*"))
        #expect(prefix.matches(orders) && !prefix.matches(order))
        let exact = try #require(QueuePattern("order"))
        #expect(exact.matches(order) && !exact.matches(orders))
        #expect(try #require(QueuePattern("*")).matches(order))
        for text in ["", "**", "a*b", "a b", "a,b", "..", "*a"] { #expect(QueuePattern(text) == nil, "\(text)") }
    }
}
