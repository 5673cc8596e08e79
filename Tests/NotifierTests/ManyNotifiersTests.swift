import Domain
import NIOCore
import Notifier
import Redis
import Store
import TestKit
import Testing

/// Several notifiers, stops, and a Redis that goes away.
struct ManyNotifiersTests {
    @Test func `Two notifiers share the work and deliver nothing twice`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let queues = try (0..<8).map {
                    QueueAddress(project: deployment.queue.project, name: try QueueName("queue-\($0)"))
                }
                for queue in queues {
                    try await deployment.subscribe(receiver.url("/\(queue.name.text)"), queue: queue)
                }
                try await deployment.withNotifier(version: "1") {
                    try await deployment.withNotifier(version: "2") {
                        for round in 0..<50 {
                            for queue in queues { try await deployment.post("\(round)", to: queue) }
                        }
                        try await receiver.waitFor(count: 400)
                        #expect(try await deployment.isSettled())
                    }
                }
                #expect(receiver.count == 400)
                #expect(Set(receiver.requests.compactMap { $0["webhook-id"] }).count == 400)
                #expect(Set(receiver.requests.compactMap { $0["user-agent"] }) == ["herald/1", "herald/2"])
            }
        }
    }

    @Test func `A stop lets attempts finish`() async throws {
        try await WebhookReceiver.with(answers: ["/": .delayed(.milliseconds(500), .status(200))]) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                }
                // The notifier is gone, and what it had begun is written down.
                #expect(try await deployment.isSettled())
                #expect(receiver.count == 1)
            }
        }
    }

    @Test func `A stop hands back what does not finish, and spends no attempt on it`() async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                var settings = EngineSettings()
                settings.drain = .milliseconds(200)
                try await deployment.withNotifier(settings: settings) {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                }
                let looks = try await deployment.store.deliveries.status(
                    of: Array(0..<deployment.store.deliveries.shards))
                #expect(looks.allSatisfy { $0.oldestLease == nil })
                #expect(looks.contains { $0.nextDue != nil })
                receiver.answer("/", with: .status(200))
                try await deployment.withNotifier {
                    try await receiver.waitFor(count: 2)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.requests.map { $0["herald-attempt"] } == ["1", "1"])
                #expect(Set(receiver.requests.compactMap { $0["webhook-id"] }).count == 1)
            }
        }
    }

    @Test func `A long attempt keeps its lease`() async throws {
        var settings = EngineSettings()
        settings.lease = .seconds(1)
        try await WebhookReceiver.with(answers: ["/": .delayed(.seconds(4), .status(200))]) { receiver in
            try await withTestDeployment { [settings] deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier(settings: settings) {
                    try await deployment.withNotifier(settings: settings) {
                        try await deployment.post("1")
                        try await receiver.waitFor(count: 1)
                        #expect(try await deployment.isSettled())
                    }
                }
                #expect(receiver.count == 1)
            }
        }
    }

    @Test func `The leases of a notifier that is gone are taken over as the next attempt`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.post("1")
                // Another notifier leases the delivery and disappears.
                var taken = 0
                for shard in 0..<deployment.store.deliveries.shards {
                    taken += try await deployment.store.deliveries.take(
                        shard, allowance: LeaseAllowance(capacity: 10), lease: .milliseconds(300), confirmedOnly: false
                    ).leases.count
                }
                #expect(taken == 1)
                try await deployment.withNotifier {
                    try await receiver.waitFor(count: 1)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.requests.map { $0["herald-attempt"] } == ["2"])
            }
        }
    }

    @Test func `A wake-up signal that is lost is made up for`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    for index in 0..<20 {
                        try await deployment.post("\(index)")
                        // Sometimes this test is first, and then no notifier gets the signal.
                        for key in try await deployment.redis.command("KEYS", "*:wakeup").array ?? [] {
                            if let name = key.text { try await deployment.redis.command("DEL", name) }
                        }
                    }
                    try await receiver.waitFor(count: 20)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 20)
            }
        }
    }

    @Test func `A notifier survives a restart of Redis and delivers what comes after`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment(appendOnly: true) { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                    try await deployment.redis.restart(killing: true)
                    _ = try await eventually { try? await deployment.post("2") }
                    let ids = try await eventually {
                        let ids = Set(receiver.requests.compactMap { $0["herald-message-id"] })
                        return ids.count >= 2 ? ids : nil
                    }
                    #expect(ids != nil)
                    #expect(try await deployment.isSettled())
                }
            }
        }
    }

    @Test func `Results that Redis cannot take yet are written down when it is back`() async throws {
        try await WebhookReceiver.with(answers: ["/": .delayed(.seconds(1), .status(200))]) { receiver in
            try await withTestDeployment(appendOnly: true) { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withEngine { engine in
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                    await deployment.redis.kill()
                    // The answer comes while Redis is away.
                    #expect(try await eventually { engine.inFlight.attempts == 0 ? true : nil } == true)
                    #expect(engine.inFlight.leases == 1)
                    try await deployment.redis.start()
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 1)
            }
        }
    }

    @Test func `What is in flight while Redis is away for longer than a lease is attempted once`() async throws {
        let answers: [String: ReceiverAnswer] = [
            "/soon": .delayed(.seconds(4), .status(200)), "/late": .delayed(.seconds(7), .status(200)),
        ]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withTestDeployment(appendOnly: true) { deployment in
                for path in ["/soon", "/late"] {
                    let queue = QueueAddress(
                        project: deployment.queue.project, name: try QueueName(path.dropFirst().description))
                    for number in 0..<10 {
                        try await deployment.subscribe(receiver.url("\(path)?\(number)"), queue: queue)
                    }
                }
                var settings = EngineSettings()
                // A notifier that was quicker leaves the others two fifths of it to renew their own.
                settings.lease = .seconds(3)
                try await deployment.withEngine(settings: settings) { [settings] first in
                    try await deployment.withEngine(settings: settings) { second in
                        for name in ["soon", "late"] {
                            try await deployment.post(
                                "1", to: QueueAddress(project: deployment.queue.project, name: try QueueName(name)))
                        }
                        try await receiver.waitFor(count: 20)
                        await deployment.redis.kill()
                        // The first answers come a second after the leases of all would have ended.
                        let isAnswered: Bool? = try await eventually {
                            first.inFlight.attempts + second.inFlight.attempts == 10 ? true : nil
                        }
                        #expect(isAnswered == true)
                        try await deployment.redis.start()
                        let isSettled = try await deployment.isSettled()
                        #expect(isSettled == true)
                    }
                }
                #expect(receiver.requests.allSatisfy { $0["herald-attempt"] == "1" })
                #expect(receiver.count == 20)
            }
        }
    }

    @Test func `A notifier survives the loss of its scripts and its connections`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    for round in 0..<10 {
                        // The connections of this test die with the others: a post without an answer is made again.
                        let posted = try await eventually { try? await deployment.post("\(round)").first?.text }
                        let arrived = try await eventually {
                            receiver.requests.contains { $0["herald-message-id"] == posted } ? true : nil
                        }
                        #expect(arrived == true)
                        switch round % 2 {
                        case 0: try await deployment.redis.command("SCRIPT", "FLUSH")
                        default: try await deployment.redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                        }
                    }
                    let isSettled = try await deployment.isSettled()
                    #expect(isSettled == true)
                }
            }
        }
    }
}
