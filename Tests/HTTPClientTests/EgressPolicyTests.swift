import HTTPClient
import Testing

struct EgressPolicyTests {
    @Test(arguments: [
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "100.100.100.200",
        "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0",
        "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0",
        "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    ])
    func `An IPv4 address that is not public is refused`(_ text: String) throws {
        #expect(!EgressPolicy().permits(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.101.0", "203.0.112.255", "203.0.114.0",
        "223.255.255.255", "8.8.8.8", "168.63.129.15", "168.63.129.17",
    ])
    func `The neighbours of what is refused are permitted`(_ text: String) throws {
        #expect(EgressPolicy().permits(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        "::", "::1", "::2", "fe80::1", "febf::1", "fec0::1", "feff::1", "fc00::1", "fd00:ec2::254", "fdff::1",
        "ff02::1", "ffff::1", "100::1", "100:0:0:1::1", "5f00::1", "2001:db8::1", "3fff::1", "2001:10::1", "2001:2::1",
        "2001:20::1", "2001:1ff::1", "64:ff9b:1::1", "64:ff9b:1:ffff::808:808", "1::1", "4000::1", "8000::1",
    ])
    func `An IPv6 address that is not public is refused`(_ text: String) throws {
        #expect(!EgressPolicy().permits(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        "2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2400::1", "2a00:1450::1", "3ffe::1",
        "2001:db7::1", "2001:db9::1", "3fff:1000::1",
    ])
    func `A public IPv6 address is permitted`(_ text: String) throws {
        #expect(EgressPolicy().permits(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        ("::ffff:127.0.0.1", false), ("::ffff:10.1.2.3", false), ("::ffff:169.254.169.254", false),
        ("::ffff:0.0.0.0", false), ("::ffff:8.8.8.8", true), ("::ffff:7f00:1", false),
        ("::127.0.0.1", false), ("::10.0.0.1", false), ("::8.8.8.8", true),
        ("64:ff9b::127.0.0.1", false), ("64:ff9b::a9fe:a9fe", false), ("64:ff9b::8.8.8.8", true),
        ("2002:7f00:1::1", false), ("2002:a00:1::1", false), ("2002:808:808::1", true),
        // Teredo: the server in bits 32...63, the client inverted in the last 32.
        ("2001:0:808:808:0:0:f7f7:f7f7", true), ("2001:0:808:808:0:0:80ff:fffe", false),
        ("2001:0:7f00:1:0:0:f7f7:f7f7", false),
    ])
    func `An address that carries an IPv4 address is judged by it`(_ text: String, isPermitted: Bool) throws {
        #expect(EgressPolicy().permits(try #require(IPAddress(text))) == isPermitted)
    }

    @Test(arguments: [
        ("127.0.0.0/8", "127.0.0.1", true), ("127.0.0.0/8", "::ffff:127.0.0.1", true), ("127.0.0.0/8", "::1", false),
        ("127.0.0.0/8", "10.0.0.1", false), ("10.1.0.0/16", "10.1.2.3", true), ("10.1.0.0/16", "10.2.0.1", false),
        ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "10.1.2.4", false), ("::1", "::1", true),
        ("::1/128", "127.0.0.1", false), ("fd00::/8", "fd12::1", true), ("fd00::/8", "fc00::1", false),
        ("0.0.0.0/0", "127.0.0.1", true), ("0.0.0.0/0", "::1", false), ("::/0", "fe80::1", true),
        ("::/0", "::ffff:127.0.0.1", false), ("10.0.0.0/8", "64:ff9b::10.0.0.1", true),
    ])
    func `What the operator opens is permitted and nothing beside it`(
        _ range: String, _ address: String, isPermitted: Bool
    ) throws {
        let policy = EgressPolicy(opened: [try #require(AddressRange(range))])
        #expect(policy.permits(try #require(IPAddress(address))) == isPermitted)
    }

    @Test(arguments: [
        "", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "fd00::/129",
        "fd00::1/8",
        "localhost", "0x7f.0.0.1", "127.1", "10.0.0.0/8/8", " 10.0.0.0/8", "[::1]",
    ])
    func `A range that is none is not read`(_ text: String) {
        #expect(AddressRange(text) == nil)
    }
}
