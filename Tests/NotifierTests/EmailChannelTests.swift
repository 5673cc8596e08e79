import Domain
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Notifier
import TestKit
import Testing

@Suite(.serialized) struct EmailChannelTests {
    @Test func `Mails go out over one session, each as it was made and judged by itself`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("rcpt", "550 5.1.1 No such user", match: "nope")])
            try await withMailChannel(relay.url, mailSettings()) { channel async throws in
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

    @Test func `A session goes on while mails wait, and ends with 100 of them`() async throws {
        try await TestRelay.with { relay async throws in
            try await withMailChannel(relay.url, mailSettings()) { channel async throws in
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
            try await withMailChannel(relay.url, mailSettings()) { channel async throws in
                #expect(try await channel.ends("a", "b", "c") == ["accepted 250", "accepted 250", "accepted 250"])
            }
            #expect(try relay.accepted().map { $0.to[0].prefix(1) } == ["a", "b", "c"])
            // Also one that ends each session so.
            try relay.set([TestRelay.Rule("mail", "close", after: 1)])
            try await withMailChannel(relay.url, mailSettings()) { channel async throws in
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
            let own = mailSettings {
                $0.hostName = "greeted.test"
                $0.hasFeedbackID = true
            }
            try await withMailChannel(relay.url, own) { channel async throws in
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
            try await withMailChannel(relay.url, mailSettings { $0.sessions = 4 }) { channel async throws in
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
        try await withMailChannel(
            "smtp://127.0.0.1:\(listener.port)", mailSettings { $0.connectTimeout = .seconds(1) }
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
            try await withMailChannel(relay.url, mailSettings { $0.sessions = 4 }) { channel async throws in
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
            try await withMailChannel(relay.url, mailSettings { $0.dataTimeout = .seconds(60) }) {
                channel async throws in
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
                mailSettings { $0.replyTimeout = .seconds(60) }, .relay(try RelayURL(server.url)),
                from: try mailSender(),
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

    @Test func `Connections of others to the port of the relay are left alone`() async throws {
        try await TestRelay.with { relay async throws in
            let other = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: relay.port).get()
            try await withMailChannel(relay.url, mailSettings()) { channel async throws in
                #expect(try await channel.ends("a", "b") == ["accepted 250", "accepted 250"])
            }
            #expect(other.isActive)
            try await other.close()
        }
    }

    // MARK: Commands

    private func command(_ script: String, _ settings: EmailSettings = mailSettings()) async throws -> [String] {
        let relay = try MailRelay(
            settings, .command(["/bin/sh", "-c", script]), from: try mailSender(), logger: Logger(label: "test"))
        defer { relay.stop() }
        return try await EmailChannel(relay: relay).ends("a")
    }

    @Test(arguments: [
        ("cat >/dev/null", "accepted 250"), ("exit 75", "deferred 475"), ("cat >/dev/null; exit 67", "deferred 467"),
        ("exit 200", "deferred 499"), ("kill -9 $$", "unreachable timeout"), ("sleep 60", "unreachable timeout"),
        ("test -z \"$HERALD_MASTER_KEY$HOME\"", "accepted 250"),
    ])
    func `The status of a command says what became of a mail`(script: String, end: String) async throws {
        #expect(try await self.command(script, mailSettings { $0.dataTimeout = .seconds(1) }) == [end])
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
            mailSettings(), .command(["/no/such/program"]), from: try mailSender(), logger: Logger(label: "test"))
        defer { relay.stop() }
        #expect(try await EmailChannel(relay: relay).ends("a") == ["held unreachable other"])
    }
}
