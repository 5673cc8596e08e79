import Domain
import HTTPClient
import NIOConcurrencyHelpers
import NIOCore
import Notifier
import TestKit
import Testing

/// Connections are used again, replaced when they end, and bounded.
struct KeptConnectionTests {
    @Test func `A kept connection is used again`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks { client in
                for _ in 0..<5 { #expect(await client.outcome(receiver.url()) == .accepted(code: 204)) }
            }
            #expect(receiver.connections == 1)
        }
    }

    private func reconnected(_ result: AttemptResult) -> Bool? {
        if case .finished(_, let exchange) = result { exchange.reconnected } else { nil }
    }

    @Test func `A kept connection that closes at the next request is replaced at once, within the attempt`()
        async throws
    {
        try await WebhookReceiver.with(answers: ["/": .oncePerConnection]) { receiver in
            try await withWebhooks { client in
                let first = await client.post(receiver.url())
                #expect(self.reconnected(first) == false)
                let second = await client.post(receiver.url())
                guard case .finished(.accepted(code: 204), let exchange) = second else {
                    Issue.record("\(second)")
                    return
                }
                #expect(exchange.reconnected && exchange.address == .loopback)
            }
            #expect(receiver.requests.map(\.connection) == [0, 0, 1])
        }
    }

    @Test(arguments: [ReceiverAnswer.close, .reset])
    func `A fresh connection that ends before the answer is a failed attempt, also the one opened for a kept one`(
        ending: ReceiverAnswer
    ) async throws {
        let answers: [String: ReceiverAnswer] = ["/": .sequence([.status(204), ending]), "/fresh": ending]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withWebhooks { client in
                #expect(await client.outcome(receiver.url("/fresh")) == .unreachable(.closed))
                #expect(receiver.count == 1)
                #expect(await client.outcome(receiver.url()) == .accepted(code: 204))
                let result = await client.post(receiver.url())
                guard case .finished(.unreachable(.closed), let exchange) = result else {
                    Issue.record("\(result)")
                    return
                }
                #expect(exchange.reconnected && receiver.count == 4)
            }
        }
    }

    @Test func `Of several kept connections that closed, the request goes out again over a fresh one`() async throws {
        try await WebhookReceiver.with(answers: ["/": .delayed(.milliseconds(50), .oncePerConnection)]) { receiver in
            try await withWebhooks { client in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask { #expect(await client.outcome(receiver.url()) == .accepted(code: 204)) }
                    }
                }
                let kept = receiver.connections
                #expect(kept > 1)
                #expect(await client.outcome(receiver.url()) == .accepted(code: 204))
                #expect(receiver.requests.last?.connection == kept && receiver.count == 6)
            }
        }
    }

    @Test func `A kept connection that ends within the answer is a failed attempt and not a second try`() async throws {
        let cut = ReceiverAnswer.raw("HTTP/1.1 200 OK\r\ncontent-le", closes: true)
        try await WebhookReceiver.with(answers: ["/": .sequence([.status(204), cut])]) { receiver in
            try await withWebhooks { client in
                #expect(await client.outcome(receiver.url()) == .accepted(code: 204))
                #expect(await client.outcome(receiver.url()) == .unreachable(.closed))
            }
            #expect(receiver.count == 2)
        }
    }

    @Test func `A large body that a closing connection does not take is sent again over a fresh one`() async throws {
        try await WebhookReceiver.with(answers: ["/": .oncePerConnection]) { receiver in
            try await withWebhooks { client in
                #expect(await client.outcome(receiver.url()) == .accepted(code: 204))
                receiver.closeAtNextByte()
                let body = String(repeating: "x", count: 8 << 20)
                #expect(await client.outcome(receiver.url(), body: body) == .accepted(code: 204))
            }
            #expect(receiver.requests.last?.body.count == 8 << 20)
        }
    }

    @Test func `A connection that is always busy is closed at its greatest age`() async throws {
        var limits = HTTPClientLimits()
        limits.addressAgeMax = .seconds(2)
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(limits: limits) { client in
                let moved = try await eventually(within: .seconds(20), every: .milliseconds(20)) {
                    #expect(await client.outcome(receiver.url()) == .accepted(code: 204))
                    return receiver.connections > 2 ? true : nil
                }
                #expect(moved == true)
            }
        }
    }

    @Test func `Kept connections follow the share, also when it shrinks while nothing is sent`() async throws {
        let share = ConnectionShare(1600)
        try await WebhookReceiver.with { receiver in
            try await withWebhooks(share: share, lookup: { _ in .addresses(["127.0.0.1"]) }) { client in
                // Each under a name of its own: none uses the connection of another.
                let send: @Sendable (String) async -> Void = { start in
                    await withTaskGroup(of: Void.self) { group in
                        for index in 0..<300 {
                            group.addTask {
                                let url = receiver.url(host: "\(start)\(index).test")
                                #expect(await client.outcome(url) == .accepted(code: 204))
                            }
                        }
                    }
                }
                await send("a")
                let kept = receiver.openConnections
                #expect(kept > 200)
                share.max = 32
                let left = try await eventually { receiver.openConnections == 0 ? true : nil }
                #expect(left == true, "\(receiver.openConnections) are left")
                await send("b")
                let few = try await eventually { receiver.openConnections <= 32 ? true : nil }
                #expect(few == true, "\(receiver.openConnections) are kept")
                share.max = 1600
                await send("c")
                #expect(receiver.openConnections > 200)
            }
        }
    }

    @Test func `The address of an exchange is the one that was connected to, not the one tried last`() async throws {
        // A listener that takes no more: what connects to it comes through only when it has accepted what waits.
        let listener = try FullListener()
        defer { listener.end() }
        let isAsked = NIOLockedValueBox(false)
        var limits = HTTPClientLimits()
        limits.connectTimeout = .seconds(20)
        let lookup: @Sendable (String) -> NameLookup.Result = { _ in
            isAsked.withLockedValue { $0 = true }
            return .addresses(["127.0.0.1", "[fd00::1]"])
        }
        try await withWebhooks(limits: limits, lookup: lookup) { client in
            async let result = client.post("http://two.test:\(listener.port)/")
            #expect(try await eventually { isAsked.withLockedValue { $0 } ? true : nil } == true)
            // libcurl tries the other family 200 ms later, and the kernel the first connection again after 1 s. The second try
            // fails inside of the kernel and shows nowhere, so this waits for a time and not for a state.
            try await Task.sleep(for: .milliseconds(300))
            listener.serve()
            guard case .finished(.accepted(code: 204), let exchange) = await result else {
                Issue.record("\(await result)")
                return
            }
            #expect(exchange.address == .loopback)
        }
    }
}
