import Notifier
import TestKit
import Testing

@Suite(.serialized) struct EmailTLSTests {
    @Test(
        arguments: [
            (nil, "127.0.0.1", "held unreachable tls"), (.valid, "127.0.0.1", "accepted 250"),
            (.valid, "localhost", "accepted 250"), (.otherName, "127.0.0.1", "held unreachable tls"),
            (.otherName, "localhost", "held unreachable tls"), (.expired, "localhost", "held unreachable tls"),
        ] as [(TestRelay.Certificate?, String, String)])
    func `TLS that is required takes a certificate that names the relay`(
        certificate: TestRelay.Certificate?, host: String, end: String
    ) async throws {
        try await TestRelay.with(certificate: certificate) { relay async throws in
            let settings = mailSettings {
                $0.tls = .required
                $0.authorities = certificate == nil ? nil : relay.certificate
            }
            try await withMailChannel("smtp://\(host):\(relay.port)", settings) { channel async throws in
                let ends = try await channel.ends("a")
                #expect(ends == [end])
            }
            #expect(try relay.accepted().map(\.tls) == (end == "accepted 250" ? [true] : []))
        }
    }

    @Test func `A certificate of an unknown authority, or a failing STARTTLS, is no TLS`() async throws {
        try await TestRelay.with(certificate: .valid) { relay async throws in
            try await withMailChannel("smtp://localhost:\(relay.port)", mailSettings { $0.tls = .required }) {
                channel async throws in
                #expect(try await channel.ends("a") == ["held unreachable tls"])
            }
            for (action, end) in [("454 4.7.0 No", "tls"), ("close", "tls"), ("hang", "timeout")] {
                try relay.set([TestRelay.Rule("starttls", action)])
                let settings = mailSettings {
                    $0.tls = .required
                    $0.authorities = relay.certificate
                }
                try await withMailChannel("smtp://localhost:\(relay.port)", settings) { channel async throws in
                    #expect(try await channel.ends("a") == ["held unreachable \(end)"])
                }
            }
            #expect(try relay.accepted().isEmpty)
        }
    }

    @Test(arguments: [TestRelay.Certificate?.none, .otherName])
    func `TLS that is offered is used, whatever the certificate, and its absence does no harm`(
        certificate: TestRelay.Certificate?
    ) async throws {
        try await TestRelay.with(certificate: certificate) { relay async throws in
            try await withMailChannel(relay.url, mailSettings { ($0.tls, $0.replyTimeout) = (.offered, .seconds(30)) })
            {
                channel async throws in
                #expect(try await channel.ends("a") == ["accepted 250"])
            }
            #expect(try relay.accepted().map(\.tls) == [certificate != nil])
        }
    }

    @Test func `A relay with credentials takes the right ones, again and again, and no others`() async throws {
        try await TestRelay.with(certificate: .valid) { relay async throws in
            try relay.set(login: ["us@er", "p:a/ss w\u{f6}rd"])
            let settings = mailSettings {
                $0.tls = .required
                $0.authorities = relay.certificate
            }
            let right = "smtp://us%40er:p%3Aa%2Fss%20w%C3%B6rd@localhost:\(relay.port)"
            try await withMailChannel(right, settings) { channel async throws in
                for _ in 0..<10 { #expect(try await channel.ends("a") == ["accepted 250"]) }
            }
            #expect(try relay.accepted().map(\.user) == Array(repeating: "us@er", count: 10))
            for wrong in ["smtp://us%40er:wrong@localhost:\(relay.port)", "smtp://localhost:\(relay.port)"] {
                try await withMailChannel(wrong, settings) { channel async throws in
                    let ends = try await channel.ends("a")
                    #expect(ends == ["held deferred \(wrong.contains("wrong") ? 535 : 530)"])
                }
            }
            for (action, end) in [("close", "closed"), ("hang", "timeout")] {
                try relay.set([TestRelay.Rule("auth", action)], login: ["us@er", "p:a/ss w\u{f6}rd"])
                try await withMailChannel(right, settings) { channel async throws in
                    #expect(try await channel.ends("a") == ["held unreachable \(end)"])
                }
            }
        }
    }
}
