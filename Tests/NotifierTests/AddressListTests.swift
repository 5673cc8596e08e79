import HTTPClient
import Notifier
import Testing

/// When libcurl is given the addresses of a host.
struct AddressListTests {
    @Test func `A busy host's addresses are given again each second, though most transfers do without`() throws {
        let host = try #require(try HTTPURL("http://busy.example/").hostName)
        let list = AddressList(["192.0.2.1"], of: host)
        var given: [Int64] = []
        for now: Int64 in stride(from: 0, to: 10_000, by: 200) {
            guard let transfer = list.give(now: now) else { continue }
            transfer.wasRead()
            given.append(now)
        }
        #expect(given == [Int64](stride(from: 0, to: 10_000, by: Int(AddressList.readMilliseconds))))
    }

    @Test func `Until libcurl has read them, and when it has lost them, they are given`() throws {
        let host = try #require(try HTTPURL("http://new.example/").hostName)
        let list = AddressList(["192.0.2.1"], of: host)
        let first = try #require(list.give(now: 0))
        #expect(list.give(now: 10) != nil)
        first.wasRead()
        #expect(list.give(now: 20) == nil && list.give(now: 20, again: true) != nil)
    }
}
