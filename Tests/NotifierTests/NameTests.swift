import CEpoll
import Domain
import Glibc
import HTTPClient
import NIOConcurrencyHelpers
import NIOCore
import Notifier
import TestKit
import Testing

/// A name service of a test: names under `silent.test` are answered when the test ends, the others at once.
private final class TestNames: Sendable {
    private struct State {
        var asked: [String: Int] = [:]
        var answers: [String: NameLookup.Result] = [:]
    }

    private let state = NIOLockedValueBox(State())
    private let end = ConditionLock(value: false)

    var asked: [String: Int] { self.state.withLockedValue { $0.asked } }

    func answer(_ name: String, with result: NameLookup.Result) {
        self.state.withLockedValue { $0.answers[name] = result }
    }

    @Sendable func look(_ name: String) -> NameLookup.Result {
        let answer = self.state.withLockedValue { state in
            state.asked[name, default: 0] += 1
            return state.answers[name]
        }
        if let answer { return answer }
        guard name.hasSuffix("silent.test") else { return .addresses(["127.0.0.1"]) }
        self.end.lock(whenValue: true)
        self.end.unlock()
        return .silent
    }

    func release() {
        self.end.lock()
        self.end.unlock(withValue: true)
    }
}

struct NameTests {

    private func request(
        _ url: String, of project: String, _ completion: @escaping @Sendable (AttemptResult) -> Void
    ) throws -> Attempt {
        try webhookAttempt(url, project: project, completion: completion)
    }

    @Test func `Thousands of names without an answer do not delay another project, and take no threads`() async throws {
        let names = TestNames()
        defer { names.release() }
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(lookup: names.look) { client in
                let failed = NIOLockedValueBox(0)
                client.send(
                    try (0..<10_000).map { index in
                        try self.request("http://n\(index).silent.test/", of: "noisy") { _ in
                            failed.withLockedValue { $0 += 1 }
                        }
                    })
                let busy = try await eventually { names.asked.count >= 12 ? true : nil }
                #expect(busy == true)
                for index in 0..<20 {
                    let url = receiver.url(host: "n\(index).quick.test")
                    let result = await withCheckedContinuation { continuation in
                        do {
                            client.send([try self.request(url, of: "quiet") { continuation.resume(returning: $0) }])
                        } catch {
                            Issue.record(error)
                        }
                    }
                    guard case .finished(.accepted(code: 204), _) = result else {
                        Issue.record("\(result)")
                        return
                    }
                }
                // Half of the threads that are not kept at most are the noisy project's, and nothing else looks names up.
                #expect(names.asked.keys.count { $0.hasSuffix("silent.test") } <= 12)
                let all = try await eventually { failed.withLockedValue { $0 } == 10_000 ? true : nil }
                #expect(all == true)
                #expect(names.asked.keys.count { $0.hasSuffix("silent.test") } <= 12)
            }
        }
    }

    @Test func `A name without an answer in time is a timeout, and one without an address is none`() async throws {
        let names = TestNames()
        defer { names.release() }
        names.answer("missing.test", with: .missing)
        names.answer("gone.test", with: .silent)
        var limits = HTTPClientLimits()
        limits.connectTimeout = .milliseconds(200)
        try await withWebhooks(limits: limits, lookup: names.look) { client in
            #expect(await client.outcome("http://a.silent.test/") == .unreachable(.timeout))
            for name in ["missing.test", "gone.test"] {
                for _ in 0..<3 { #expect(await client.outcome("http://\(name)/") == .unreachable(.resolve)) }
                #expect(names.asked[name] == 1)
            }
        }
    }

    @Test func `However a name is spelled, libcurl is given its addresses and looks up none`() async throws {
        let names = TestNames()
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(lookup: names.look) { client in
                for start in [
                    "http://a.test", "http://A.TEST", "http://a.test.", "http://%61.test", "http:/a.test",
                    "http://u\\@a.test", "http://a.test%2e", "trust+http://a.test",
                ] {
                    let url = try HTTPURL("\(start):\(receiver.port)/")
                    #expect(await client.outcome(url.text) == .accepted(code: 204), "\(start)")
                }
                #expect(await client.outcome("http://1.2.3.4.5:\(receiver.port)/") == .accepted(code: 204))
            }
            #expect(names.asked == ["a.test": 1, "1.2.3.4.5": 1])
        }
    }

    @Test func `The addresses of a name are tried in turn, and the egress policy judges each`() async throws {
        let names = TestNames()
        names.answer("two.test", with: .addresses(["10.0.0.1", "127.0.0.1"]))
        names.answer("sixth.test", with: .addresses(["[::1]"]))
        names.answer("inside.test", with: .addresses(["10.0.0.1", "169.254.169.254"]))
        try await WebhookReceiver.with { receiver in
            try await WebhookReceiver.with(host: "::1") { sixth in
                try await withWebhooks(lookup: names.look) { client in
                    #expect(await client.outcome(receiver.url(host: "two.test")) == .accepted(code: 204))
                    #expect(await client.outcome(sixth.url(host: "sixth.test")) == .accepted(code: 204))
                    #expect(await client.outcome(receiver.url(host: "inside.test")) == .forbidden)
                }
            }
        }
    }

    @Test func `A name that moves is followed although its connection is busy`() async throws {
        let names = TestNames()
        var limits = HTTPClientLimits()
        limits.addressAgeMax = .seconds(3)
        try await WebhookReceiver.with { old in
            try await withWebhooks(opening: ["127.0.0.0/8", "::1"], limits: limits, lookup: names.look) { client in
                let url = old.url(host: "moving.test")
                #expect(await client.outcome(url) == .accepted(code: 204))
                // Nothing listens there: the port is the other's, at another address.
                names.answer("moving.test", with: .addresses(["127.0.0.2"]))
                let moved = try await eventually(every: .milliseconds(20)) {
                    await client.outcome(url) == .unreachable(.connect) ? true : nil
                }
                #expect(moved == true && old.count > 1)
            }
        }
    }

    @Test func `A name server that is away for a moment stops nothing that is known`() async throws {
        let names = TestNames()
        var limits = HTTPClientLimits()
        limits.addressAgeMax = .seconds(600)
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(limits: limits, lookup: names.look) { client in
                let url = receiver.url(host: "known.test")
                #expect(await client.outcome(url) == .accepted(code: 204))
                names.answer("known.test", with: .silent)
                let again = try await eventually(every: .milliseconds(100)) {
                    #expect(await client.outcome(url) == .accepted(code: 204))
                    return names.asked["known.test", default: 0] >= 2 ? true : nil
                }
                #expect(again == true)
                #expect(await client.outcome(url) == .accepted(code: 204))
            }
        }
    }

    @Test func `Requests that wait for a name end as aborted with the others`() async throws {
        let names = TestNames()
        defer { names.release() }
        try await withWebhooks(lookup: names.look) { client in
            async let result = client.post("http://a.silent.test/")
            let asked = try await eventually { names.asked.isEmpty ? nil : true }
            #expect(asked == true)
            client.abortAll()
            #expect(await result == .aborted)
            #expect(await client.outcome("http://127.0.0.1:9/") != nil)
        }
    }

    @Test(arguments: [ReceiverAnswer.close, .reset])
    func `A kept connection that ends late is replaced at an address that is looked for by us`(
        ending: ReceiverAnswer
    ) async throws {
        let names = TestNames()
        var limits = HTTPClientLimits()
        // libcurl forgets after 2 s what it was given.
        limits.connectTimeout = .milliseconds(500)
        let late = ReceiverAnswer.delayed(.milliseconds(3500), ending)
        let answers = ["/": ReceiverAnswer.sequence([.status(204), late, .status(204)])]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withWebhooks(limits: limits, lookup: names.look) { client in
                // No name server of the machine knows the name.
                let url = receiver.url(host: "late.test")
                #expect(await client.outcome(url) == .accepted(code: 204))
                let result = await client.post(url)
                guard case .finished(.accepted(code: 204), let exchange) = result else {
                    Issue.record("\(result)")
                    return
                }
                #expect(exchange.reconnected && exchange.total >= 3000)
            }
            #expect(receiver.requests.map(\.connection) == [0, 0, 1])
            #expect(names.asked == ["late.test": 1])
        }
    }

    @Test func `An address in a spelling that libcurl does not read is connected to without a lookup`() async throws {
        let names = TestNames()
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(lookup: names.look) { client in
                for host in ["127.0.0.1.", "0x7f%30%30%30%30%30%31"] {
                    #expect(await client.outcome(receiver.url(host: host)) == .accepted(code: 204), "\(host)")
                }
            }
            #expect(names.asked.isEmpty)
        }
    }

    @Test func `Only an answer that there is no such name, or no address, says so`() {
        for status in [EAI_NONAME, cepoll_no_data] { #expect(NameLookup.failure(status) == .missing) }
        for status in [EAI_AGAIN, EAI_FAIL, EAI_SERVICE] { #expect(NameLookup.failure(status) == .silent) }
        for status in [EAI_SYSTEM, EAI_MEMORY] { #expect(NameLookup.failure(status) == .unable) }
    }

    @Test func `The system knows localhost, and no name that cannot be`() {
        guard case .addresses(let addresses) = NameLookup.system("localhost") else {
            Issue.record("localhost has no address")
            return
        }
        #expect(addresses.allSatisfy { ["127.0.0.1", "[::1]"].contains($0) })
        #expect(NameLookup.system("absent.invalid") != .addresses([]))
    }
}
