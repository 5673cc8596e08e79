import Domain
import Notifier
import TestKit
import Testing

@Suite(.serialized) struct EmailFaultTests {
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
            let patient = mailSettings {
                guard !isTimedOut else { return }
                ($0.connectTimeout, $0.replyTimeout, $0.dataTimeout) = (.seconds(30), .seconds(30), .seconds(30))
            }
            try await withMailChannel(relay.url, patient) { channel async throws in
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
            try await withMailChannel(relay.url, mailSettings()) { channel async throws in
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
        try await withMailChannel("smtp://127.0.0.1:\(port)", mailSettings()) { channel async throws in
            #expect(try await channel.ends("a") == ["held unreachable connect"])
        }
        try await withMailChannel("smtp://relay.invalid", mailSettings()) { channel async throws in
            #expect(try await channel.ends("a") == ["held unreachable resolve"])
        }
    }
}
