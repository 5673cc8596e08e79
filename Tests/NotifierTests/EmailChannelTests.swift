import Documents
import Domain
import Foundation
import HTTPClient
import Logging
import Mail
import NIOConcurrencyHelpers
import Notifier
import Signing
import TestKit
import Testing

/// Settings for a relay on loopback, with times that a test waits for.
private func settings(_ change: (inout EmailSettings) -> Void = { _ in }) -> EmailSettings {
    var settings = EmailSettings()
    settings.tls = .off
    settings.hostName = "herald.test"
    settings.sessions = 1
    settings.connectTimeout = .seconds(3)
    settings.replyTimeout = .seconds(2)
    settings.dataTimeout = .seconds(3)
    change(&settings)
    return settings
}

private func sender() throws -> Mailbox { try Mailbox("Herald <alerts@herald.test>") }

/// Runs `body` with a channel whose threads have ended, or will at once, when this returns.
private func withChannel<Result>(
    _ relay: String, _ settings: EmailSettings, _ body: (EmailChannel) async throws -> Result
) async throws -> Result {
    let relay = try MailRelay(
        settings, .relay(try RelayURL(relay)), from: try sender(), logger: Logger(label: "test"))
    defer { relay.stop() }
    return try await body(EmailChannel(relay: relay))
}

extension EmailChannel {
    fileprivate func attempt(
        _ address: String, delivery: String = "1", options: String = "{}", body: String? = nil, project: String = "p",
        _ completion: @escaping @Sendable (AttemptResult) -> Void
    ) throws -> Attempt {
        let document = body ?? #"{"body":"\#(address)","ttl":60,"queue_name":"q","Message_Type":"Notification"}"#
        let id = try #require(SubscriptionID(String(repeating: "0", count: 27)))
        let key = try MasterKey(MasterKey.generate())
        let secrets = key.webhookSecrets(project: try ProjectID(project), subscription: id, versions: .first)
        return Attempt(
            destination: .email,
            target: self.target(
                address, of: id, in: QueueAddress(project: try ProjectID(project), name: try QueueName("q")),
                options: try #require(DeliveryOptions(stored: Array(options.utf8))), secrets: secrets),
            delivery: DeliveryID(text: delivery), message: nil, kind: .notification, number: 1,
            startedAt: Timestamp(milliseconds: 1_800_000_000_000), project: try ProjectID(project),
            body: PinnedBytes(document.utf8), completion: completion)
    }

    /// Sends mails to `mailto:NAME@b.test` in one call, and returns how each ended.
    fileprivate func post(_ names: [String], options: String) async throws -> [AttemptResult] {
        let results = NIOLockedValueBox<[Int: AttemptResult]>([:])
        self.send(
            try names.enumerated().map { index, name in
                try self.attempt("mailto:\(name)@b.test", delivery: "d\(index)", options: options) { result in
                    results.withLockedValue { $0[index] = result }
                }
            })
        let all = try await eventually { () -> [AttemptResult]? in
            let ended = results.withLockedValue { $0 }
            return ended.count == names.count ? names.indices.compactMap { ended[$0] } : nil
        }
        return try #require(all, "\(results.withLockedValue { $0 })")
    }
}

extension EmailChannel {
    /// As ``post(_:options:)``, in words.
    fileprivate func ends(_ names: String...) async throws -> [String] {
        try await self.post(names, options: "{}").map(\.text)
    }
}

extension AttemptResult {
    /// In one line, without times.
    fileprivate var text: String {
        switch self {
        case .finished(let outcome, _): outcome.summary
        case .held(let outcome, _, _): "held " + (outcome?.summary ?? "untried")
        case .aborted: "aborted"
        }
    }
}

@Suite(.serialized) struct EmailChannelTests {
    @Test func `Mails go out over one session, each as it was made and judged by itself`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("rcpt", "550 5.1.1 No such user", match: "nope")])
            try await withChannel(relay.url, settings()) { channel async throws in
                let json = #"{"_email": {"format": "json"}}"#
                let results = try await channel.post(["a", "nope", "c"], options: json)
                #expect(results.map(\.text) == ["accepted 250", "refused 550", "accepted 250"])
                guard case .finished(_, let exchange) = results[0] else { return }
                #expect(exchange.total >= exchange.connect)
            }
            let mails = try relay.accepted()
            #expect(
                mails.map(\.to) == [["a@b.test"], ["c@b.test"]] && mails.allSatisfy { $0.from == "alerts@herald.test" })
            #expect(Set(mails.map(\.session)).count == 1)
            let mail = try #require(mails.first).text
            #expect(mail.hasPrefix("Content-Type: text/plain; charset=\"us-ascii\"\r\nMIME-Version: 1.0\r\n"))
            #expect(mail.contains("\r\nMessage-ID: <d0@herald.test>\r\n"))
            #expect(
                mail.hasSuffix(
                    "\r\n\r\n" + #"{"body":"mailto:a@b.test","ttl":60,"queue_name":"q","Message_Type":"Notification"}"#
                        + "\r\n"))
        }
    }

    /// The table of SMTP faults: three mails, a fault, how each ended, and which mails the relay has.
    struct Fault: Sendable, CustomTestStringConvertible {
        let rules: [TestRelay.Rule]
        let ends: [String]
        var accepted = "a"

        var testDescription: String { "\(self.rules)" }
    }

    private static func fault(
        _ at: String, _ action: String, _ ends: String..., accepted: String = "", match: String? = nil
    )
        -> Fault
    {
        Fault(
            rules: [TestRelay.Rule(at, action, match: match)],
            ends: ends.count == 1 ? [ends[0], ends[0], ends[0]] : ends,
            accepted: accepted)
    }

    private static let faults = [
        fault("greeting", "421 4.3.2 Closing", "held deferred 421"),
        fault("greeting", "554 5.3.2 No", "held deferred 554"),
        fault("greeting", "close", "held unreachable closed"), fault("greeting", "hang", "held unreachable timeout"),
        fault("greeting", "drip", "held unreachable timeout"), fault("greeting", "hello", "held unreachable malformed"),
        fault("ehlo", "421 4.3.2 Closing", "held deferred 421"), fault("ehlo", "550 5.7.1 No", "held deferred 550"),
        fault("ehlo", "close", "held unreachable closed"), fault("ehlo", "hang", "held unreachable timeout"),
        fault("ehlo", "endless", "held unreachable timeout"),
        fault("mail", "451 4.3.0 Later", "deferred 451"), fault("mail", "553 5.1.8 Sender", "refused 553"),
        fault("mail", "421 4.3.2 Closing", "held deferred 421"), fault("mail", "530 5.7.0 Login", "held deferred 530"),
        fault(
            "mail", "close", "unreachable closed", "held unreachable closed", "held unreachable closed"),
        fault("mail", "hang", "unreachable timeout", "held unreachable timeout", "held unreachable timeout"),
        fault(
            "rcpt", "450 4.2.0 Greylisted", "accepted 250", "deferred 450", "accepted 250", accepted: "ac", match: "b@"),
        fault("rcpt", "550 5.1.1 Unknown", "accepted 250", "refused 550", "accepted 250", accepted: "ac", match: "b@"),
        fault(
            "rcpt", "421 4.3.2 Closing", "accepted 250", "held deferred 421", "accepted 250", accepted: "ac",
            match: "b@"
        ),
        fault(
            "rcpt", "530 5.7.0 Login", "accepted 250", "held deferred 530", "accepted 250", accepted: "ac", match: "b@"),
        fault("rcpt", "close", "accepted 250", "unreachable closed", "accepted 250", accepted: "ac", match: "b@"),
        fault("rcpt", "hang", "accepted 250", "unreachable timeout", "accepted 250", accepted: "ac", match: "b@"),
        fault("data", "451 4.3.0 Later", "accepted 250", "deferred 451", "accepted 250", accepted: "ac", match: "b@"),
        fault("data", "554 5.6.0 No", "accepted 250", "refused 554", "accepted 250", accepted: "ac", match: "b@"),
        fault("data", "250 What", "accepted 250", "unreachable malformed", "accepted 250", accepted: "ac", match: "b@"),
        fault("data", "close", "accepted 250", "unreachable closed", "accepted 250", accepted: "ac", match: "b@"),
        fault("dot", "452 4.3.1 Full", "accepted 250", "deferred 452", "accepted 250", accepted: "ac", match: "b@"),
        fault("dot", "554 5.7.1 Spam", "accepted 250", "refused 554", "accepted 250", accepted: "ac", match: "b@"),
        // The relay has it and its reply was lost: it will be sent once more.
        fault("dot", "close", "accepted 250", "unreachable closed", "accepted 250", accepted: "abc", match: "b@"),
        fault("dot", "hang", "accepted 250", "unreachable timeout", "accepted 250", accepted: "abc", match: "b@"),
        fault("quit", "hang", "accepted 250", accepted: "abc"), fault("quit", "close", "accepted 250", accepted: "abc"),
    ]

    @Test(arguments: faults, [false, true])
    func `A fault ends the mails it concerns, and no other`(fault: Fault, pipelining: Bool) async throws {
        try await TestRelay.with { relay async throws in
            try relay.set(fault.rules, pipelining: pipelining)
            // Only what is to time out has little time: a machine that is busy with other tests makes a relay slow, too.
            let isTimedOut = fault.ends.contains { $0.hasSuffix("timeout") }
            let patient = settings {
                guard !isTimedOut else { return }
                ($0.connectTimeout, $0.replyTimeout, $0.dataTimeout) = (.seconds(30), .seconds(30), .seconds(30))
            }
            try await withChannel(relay.url, patient) { channel async throws in
                let ends = try await channel.ends("a", "b", "c")
                #expect(ends == fault.ends)
            }
            let accepted = try await relay.accepted(waitingFor: fault.accepted.count)
            #expect(accepted.map { String($0.to[0].prefix(1)) }.sorted().joined() == fault.accepted)
        }
    }

    @Test func `A 421 in the middle of a session pauses the relay; what was judged before stays so`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("rcpt", "reply-close 421 4.3.2 Closing", match: "b@", times: 1)])
            try await withChannel(relay.url, settings()) { channel async throws in
                let ends = try await channel.ends("a", "b", "c")
                #expect(ends == ["accepted 250", "held deferred 421", "held deferred 421"])
                // Untried as long as the relay is paused, and then as before.
                #expect(try await channel.ends("d") == ["held untried"])
                let later = try await eventually {
                    let end = try await channel.ends("e")
                    return end == ["accepted 250"] ? true : nil
                }
                #expect(later == true)
            }
        }
    }

    @Test func `A relay that is not there, or has no name, holds the mails`() async throws {
        let port = try await freeLoopbackPort()
        try await withChannel("smtp://127.0.0.1:\(port)", settings()) { channel async throws in
            #expect(try await channel.ends("a") == ["held unreachable connect"])
        }
        try await withChannel("smtp://relay.invalid", settings()) { channel async throws in
            #expect(try await channel.ends("a") == ["held unreachable resolve"])
        }
    }

    // MARK: TLS and credentials

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
            let settings = settings {
                $0.tls = .required
                $0.authorities = certificate == nil ? nil : relay.certificate
            }
            try await withChannel("smtp://\(host):\(relay.port)", settings) { channel async throws in
                let ends = try await channel.ends("a")
                #expect(ends == [end])
            }
            #expect(try relay.accepted().map(\.tls) == (end == "accepted 250" ? [true] : []))
        }
    }

    @Test func `A certificate of an unknown authority, or a failing STARTTLS, is no TLS`() async throws {
        try await TestRelay.with(certificate: .valid) { relay async throws in
            try await withChannel("smtp://localhost:\(relay.port)", settings { $0.tls = .required }) {
                channel async throws in
                #expect(try await channel.ends("a") == ["held unreachable tls"])
            }
            for (action, end) in [("454 4.7.0 No", "tls"), ("close", "tls"), ("hang", "timeout")] {
                try relay.set([TestRelay.Rule("starttls", action)])
                let settings = settings {
                    $0.tls = .required
                    $0.authorities = relay.certificate
                }
                try await withChannel("smtp://localhost:\(relay.port)", settings) { channel async throws in
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
            try await withChannel(relay.url, settings { ($0.tls, $0.replyTimeout) = (.offered, .seconds(30)) }) {
                channel async throws in
                #expect(try await channel.ends("a") == ["accepted 250"])
            }
            #expect(try relay.accepted().map(\.tls) == [certificate != nil])
        }
    }

    @Test func `A relay with credentials takes the right ones, again and again, and no others`() async throws {
        try await TestRelay.with(certificate: .valid) { relay async throws in
            try relay.set(login: ["us@er", "p:a/ss w\u{f6}rd"])
            let settings = settings {
                $0.tls = .required
                $0.authorities = relay.certificate
            }
            let right = "smtp://us%40er:p%3Aa%2Fss%20w%C3%B6rd@localhost:\(relay.port)"
            try await withChannel(right, settings) { channel async throws in
                for _ in 0..<10 { #expect(try await channel.ends("a") == ["accepted 250"]) }
            }
            #expect(try relay.accepted().map(\.user) == Array(repeating: "us@er", count: 10))
            for wrong in ["smtp://us%40er:wrong@localhost:\(relay.port)", "smtp://localhost:\(relay.port)"] {
                try await withChannel(wrong, settings) { channel async throws in
                    let ends = try await channel.ends("a")
                    #expect(ends == ["held deferred \(wrong.contains("wrong") ? 535 : 530)"])
                }
            }
            for (action, end) in [("close", "closed"), ("hang", "timeout")] {
                try relay.set([TestRelay.Rule("auth", action)], login: ["us@er", "p:a/ss w\u{f6}rd"])
                try await withChannel(right, settings) { channel async throws in
                    #expect(try await channel.ends("a") == ["held unreachable \(end)"])
                }
            }
        }
    }

    // MARK: Threads

    @Test func `A session goes on while mails wait, and ends with 100 of them`() async throws {
        try await TestRelay.with { relay async throws in
            try await withChannel(relay.url, settings()) { channel async throws in
                let names = (0..<230).map { "u\($0)" }
                #expect(try await channel.post(names, options: "{}").allSatisfy { $0.text == "accepted 250" })
            }
            let sessions = Dictionary(grouping: try relay.accepted(), by: \.session).values.map(\.count)
            #expect(sessions.sorted() == [30, 100, 100])
        }
    }

    @Test func `A relay that ends a session between two mails gets the second one in another`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("mail", "close", times: 1, after: 1)])
            try await withChannel(relay.url, settings()) { channel async throws in
                #expect(try await channel.ends("a", "b", "c") == ["accepted 250", "accepted 250", "accepted 250"])
            }
            #expect(try relay.accepted().map { $0.to[0].prefix(1) } == ["a", "b", "c"])
            // Also one that ends each session so.
            try relay.set([TestRelay.Rule("mail", "close", after: 1)])
            try await withChannel(relay.url, settings()) { channel async throws in
                #expect(try await channel.ends("d", "e", "f") == ["accepted 250", "accepted 250", "accepted 250"])
            }
            #expect(try relay.accepted().count == 6)
        }
    }

    @Test
    func `The relay is greeted by the name that is set, a mail names its project where that is set, and dots stay`()
        async throws
    {
        try await TestRelay.with { relay async throws in
            let own = settings {
                $0.hostName = "greeted.test"
                $0.hasFeedbackID = true
            }
            try await withChannel(relay.url, own) { channel async throws in
                let body = #"{"body":"one\n.\n..two\n","ttl":60,"queue_name":"q","Message_Type":"Notification"}"#
                let result = NIOLockedValueBox<AttemptResult?>(nil)
                channel.send([
                    try channel.attempt("mailto:a@b.test", body: body) { end in result.withLockedValue { $0 = end } }
                ])
                let end = try await eventually { result.withLockedValue { $0 } }
                #expect(end?.text == "accepted 250")
            }
            #expect(try relay.texts(at: "ehlo") == ["greeted.test"])
            let text = try #require(try relay.accepted().first).text
            #expect(text.contains("\r\nFeedback-ID: p:q:notification:herald\r\n"))
            #expect(text.contains("\r\none\r\n.\r\n..two\r\n"), "\(text)")
        }
    }

    @Test func `Mails that wait are shared by all sessions`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("dot", "late", seconds: 0.5)])
            try await withChannel(relay.url, settings { $0.sessions = 4 }) { channel async throws in
                let ends = try await channel.ends("a", "b", "c", "d", "e", "f", "g", "h")
                #expect(ends.allSatisfy { $0 == "accepted 250" })
            }
            #expect(Set(try relay.accepted().map(\.session)).count == 4)
        }
    }

    @Test func `A thread that is stuck in connecting is replaced, and mail goes on when the relay answers`()
        async throws
    {
        let listener = try FullListener()
        try await withChannel(
            "smtp://127.0.0.1:\(listener.port)", settings { $0.connectTimeout = .seconds(1) }
        ) { channel async throws in
            #expect(try await channel.ends("a") == ["held unreachable connect"])
            // There is one session, and its thread is still in the call that connects.
            let isReplaced = try await eventually {
                try await channel.ends("b") == ["held unreachable connect"] ? true : nil
            }
            #expect(isReplaced == true)
            listener.end()
            try await TestRelay.with(port: listener.port) { relay async throws in
                let goesOn = try await eventually { try await channel.ends("c") == ["accepted 250"] ? true : nil }
                #expect(goesOn == true)
            }
        }
    }

    @Test func `Many mails over several sessions arrive once each`() async throws {
        try await TestRelay.with { relay async throws in
            try await withChannel(relay.url, settings { $0.sessions = 4 }) { channel async throws in
                let done = NIOLockedValueBox<[AttemptResult]>([])
                let attempts = try (0..<300).map { index in
                    try channel.attempt("mailto:u\(index)@b.test", delivery: "d\(index)", project: "p\(index % 3)") {
                        result in
                        done.withLockedValue { $0.append(result) }
                    }
                }
                channel.send(attempts)
                _ = try await eventually { done.withLockedValue { $0.count } == 300 ? true : nil }
                #expect(done.withLockedValue { $0.allSatisfy { $0.text == "accepted 250" } })
            }
            let to = try relay.accepted().flatMap(\.to)
            #expect(to.count == 300 && Set(to).count == 300)
        }
    }

    @Test func `What is under way ends as aborted at once, and what comes later does too`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("dot", "hang")])
            try await withChannel(relay.url, settings { $0.dataTimeout = .seconds(60) }) { channel async throws in
                async let ends = channel.ends("a", "b")
                _ = try await eventually { try relay.count("dot") == 1 ? true : nil }
                channel.abortAll()
                #expect(try await ends == ["aborted", "aborted"])
                try relay.set()
                #expect(try await channel.ends("c") == ["accepted 250"])
                channel.stop()
                #expect(try await channel.ends("d") == ["aborted"])
            }
        }
    }

    @Test func `One engine's end aborts its own mails alone`() async throws {
        try await TestRelay.with { server in
            try server.set([TestRelay.Rule("mail", "hang", times: 1, seconds: 60)])
            let relay = try MailRelay(
                settings { $0.replyTimeout = .seconds(60) }, .relay(try RelayURL(server.url)), from: try sender(),
                logger: Logger(label: "test"))
            defer { relay.stop() }
            let (one, other) = (EmailChannel(relay: relay), EmailChannel(relay: relay))
            async let ends = one.ends("a")
            _ = try await eventually { try server.count("mail") == 1 ? true : nil }
            async let others = other.ends("b")
            one.stop()
            #expect(try await ends == ["aborted"])
            #expect(try await others == ["accepted 250"])
        }
    }

    // MARK: Commands

    private func command(_ script: String, _ settings: EmailSettings = settings()) async throws -> [String] {
        let relay = try MailRelay(
            settings, .command(["/bin/sh", "-c", script]), from: try sender(), logger: Logger(label: "test"))
        defer { relay.stop() }
        return try await EmailChannel(relay: relay).ends("a")
    }

    @Test(arguments: [
        ("cat >/dev/null", "accepted 250"), ("exit 75", "deferred 475"), ("cat >/dev/null; exit 67", "deferred 467"),
        ("exit 200", "deferred 499"), ("kill -9 $$", "unreachable timeout"), ("sleep 60", "unreachable timeout"),
        ("test -z \"$HERALD_MASTER_KEY$HOME\"", "accepted 250"),
    ])
    func `The status of a command says what became of a mail`(script: String, end: String) async throws {
        #expect(try await self.command(script, settings { $0.dataTimeout = .seconds(1) }) == [end])
    }

    @Test func `A command reads the mail with the ends of lines of a file`() async throws {
        try await withTemporaryFolder { folder async throws in
            let file = folder.appendingPathComponent("mail")
            #expect(try await self.command("cat > \(file.path)") == ["accepted 250"])
            let mail = try String(contentsOf: file, encoding: .utf8)
            #expect(mail.contains("\nTo: a@b.test\n") && !mail.contains("\r"))
        }
    }

    @Test func `A command that is not there holds the mails`() async throws {
        let relay = try MailRelay(
            settings(), .command(["/no/such/program"]), from: try sender(), logger: Logger(label: "test"))
        defer { relay.stop() }
        #expect(try await EmailChannel(relay: relay).ends("a") == ["held unreachable other"])
    }
}
