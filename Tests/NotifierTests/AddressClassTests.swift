import Domain
import HTTPClient
import Notifier
import Testing

struct AddressClassTests {
    @Test(arguments: [
        ("1.1.1.1", AddressClass.public), ("2606:4700:4700::1111", .public), ("127.0.0.1", .loopback),
        ("::1", .loopback), ("::ffff:127.0.0.1", .loopback), ("10.1.2.3", .private), ("100.64.0.1", .private),
        ("::ffff:192.168.0.1", .private), ("fd00::1", .private), ("169.254.169.254", .linkLocal),
        ("fe80::1", .linkLocal), ("224.0.0.1", .multicast), ("ff02::1", .multicast), ("0.0.0.0", .reserved),
        ("192.0.2.1", .reserved), ("::", .reserved), ("2001:db8::1", .reserved), ("64:ff9b::7f00:1", .reserved),
    ])
    func `An address is of one class`(_ text: String, _ expected: AddressClass) throws {
        #expect(AddressClass(try #require(IPAddress(text))) == expected)
    }
}
