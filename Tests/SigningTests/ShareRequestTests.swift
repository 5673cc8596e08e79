import Domain
import Signing
import Testing

struct ShareRequestTests {
    private let now = Timestamp(milliseconds: 1_800_000_000_999)

    private func sign(
        parts: [String] = ["messages"], methods: [String] = ["GET"], expires: String? = nil, key: String = "k"
    ) throws -> ShareRequest.Share {
        let queue = QueueAddress(project: try ProjectID("p"), name: try QueueName("orders"))
        return try ShareRequest.sign(
            parts: parts, methods: methods, expires: expires, of: queue, key: SignedURLKey(key), now: self.now)
    }

    @Test func `U-1: Without an expiry it is a day from now, to the second`() throws {
        let share = try self.sign(methods: ["POST", "GET"])
        #expect(share.url.expiry.seconds == 1_800_086_400)
        #expect(share.url.methods == ["GET", "POST"])
        #expect(share.url.paths == ["/v2/queues/orders/messages"])
        #expect(share.signature.utf8.count == 64)
    }

    @Test func `U-2: Paths are full and sorted`() throws {
        let share = try self.sign(parts: ["subscriptions", "claims", "messages"])
        #expect(share.url.paths == ["claims", "messages", "subscriptions"].map { "/v2/queues/orders/\($0)" })
    }

    @Test func `U-4, U-5: What is made here is admitted there`() throws {
        let key = try #require(SignedURLKey("k"))
        let share = try self.sign(expires: "2031-12-31T23:59:59.5+02")
        #expect(share.url.expiry.text == "2031-12-31T21:59:59")
        for path in ["/v2/queues/orders/messages", "/v2/queues/orders/messages/1"] {
            #expect(share.url.admits(share.signature, method: "GET", path: path, keys: [key], now: self.now))
        }
        #expect(
            !share.url.admits(
                share.signature, method: "PUT", path: "/v2/queues/orders/messages", keys: [key], now: self.now))
    }

    @Test(arguments: ["wrong date format", "3600", "2001-01-01", "2027-01-15T08:00:00", "", "2031"])
    func `U-10: An expiry that is no date, or past, is refused`(expires: String) {
        #expect(throws: Refusal.self) { try self.sign(expires: expires) }
    }

    @Test func `U-10: No key, no path or no method is refused`() {
        #expect(throws: Refusal.self) { try self.sign(key: "") }
        #expect(throws: Refusal.self) { try self.sign(parts: []) }
        #expect(throws: Refusal.self) { try self.sign(methods: []) }
    }
}
