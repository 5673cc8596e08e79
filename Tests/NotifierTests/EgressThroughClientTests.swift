import Domain
import Notifier
import TestKit
import Testing

/// The policy by its effect: a real client, every spelling of "here", and a receiver that would know.
struct EgressThroughClientTests {
    @Test(arguments: [
        "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "0x7F.0x0.0x0.0x1", "2130706433", "017700000001",
        "0177.0.0.1", "0177.0.0.01", "127.000.000.001", "localhost", "LOCALHOST", "localhost.", "a.localhost",
        "0", "0.0.0.0", "0x0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::]",
        "[::1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "127.0.0.2", "127.255.255.254", "%31%32%37.0.0.1",
        "user:secret@127.0.0.1", "8.8.8.8@127.0.0.1", "１２７.0.0.1", "127。0。0。1",
    ])
    func `No spelling of this machine is called`(host: String) async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(opening: []) { client in
                let outcome = await client.outcome(receiver.url(host: host))
                switch outcome {
                // Some spellings are none to libcurl, or no name to the resolver: just as well.
                case .forbidden, .unreachable(.resolve), .unreachable(.other): break
                default: Issue.record("\(host): \(String(describing: outcome))")
                }
            }
            #expect(receiver.connections == 0)
        }
    }

    @Test(arguments: ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "[::ffff:127.0.0.1]", "0", "[::]"])
    func `The plain spellings are refused for what they are`(host: String) async throws {
        try await withWebhooks(opening: []) { client in
            #expect(await client.outcome("http://\(host):9/") == .forbidden)
        }
    }

    @Test(arguments: [
        "http://169.254.169.254/latest/meta-data/", "http://[fe80::1%25lo]/", "http://[fd00:ec2::254]/",
        "http://10.0.0.1/", "http://192.168.1.1/", "http://100.100.100.200/", "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/", "http://168.63.129.16/", "https://127.0.0.1/", "http://224.0.0.1/",
    ])
    func `Nothing of the inside is called`(url: String) async throws {
        try await withWebhooks(opening: []) { client in
            #expect(await client.outcome(url) == .forbidden)
        }
    }

    @Test(arguments: [
        "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/", "smtp://127.0.0.1/",
        "telnet://127.0.0.1/", "ldap://127.0.0.1/", "unix:///var/run/docker.sock", "scp://127.0.0.1/x",
        "mqtt://127.0.0.1/",
    ])
    func `No other scheme is spoken, not even to addresses that are open`(url: String) async throws {
        try await withWebhooks { client in
            #expect(await client.outcome(url) == .forbidden)
        }
    }

    @Test func `An opened range is called and its neighbour is not`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(opening: ["127.0.0.1/32"]) { client in
                #expect(await client.outcome(receiver.url()) == .accepted(code: 204))
                #expect(await client.outcome(receiver.url(host: "[::ffff:127.0.0.1]")) == .accepted(code: 204))
                #expect(await client.outcome(receiver.url(host: "127.0.0.2")) == .forbidden)
            }
        }
    }

    @Test func `A redirect to the inside leads nowhere`() async throws {
        try await WebhookReceiver.with { inside in
            let answer = ReceiverAnswer.status(307, headers: [("location", inside.url())])
            try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
                try await withWebhooks {
                    #expect(await $0.outcome(receiver.url()) == .deferred(code: 307, notBefore: nil))
                }
            }
            #expect(inside.connections == 0)
        }
    }
}
