import Domain
import HTTPClient
import Notifier
import Store
import TestKit
import Testing

struct HostLimiterTests {
    @Test func `However a host is spelled, its limit is the same`() async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { slow in
            try await WebhookReceiver.with { quick in
                try await withTestDeployment { deployment in
                    for start in ["http://127.0.0.1", "http:/127.0.0.1", "http://u\\@127.0.0.1", "http://0x7f.1"] {
                        try await deployment.subscribe("\(start):\(slow.port)/")
                    }
                    try await deployment.subscribe(quick.url())
                    var settings = EngineSettings()
                    settings.hostConcurrency = 1
                    try await deployment.withNotifier(settings: settings) {
                        for number in 1...3 { try await deployment.post("\(number)") }
                        try await quick.waitFor(count: 3)
                        try await slow.waitFor(count: 1)
                        #expect(slow.connections == 1)
                    }
                }
            }
        }
    }

    @Test func `A slow host with many subscriptions leaves slots for others, and gets everything in the end`()
        async throws
    {
        try await WebhookReceiver.with(answers: ["/0": .hang, "/1": .hang]) { slow in
            try await WebhookReceiver.with { quick in
                try await withTestDeployment { deployment in
                    for number in 0..<4 { try await deployment.subscribe(slow.url("/\(number)")) }
                    try await deployment.subscribe(quick.url())
                    var settings = EngineSettings()
                    settings.hostConcurrency = 2
                    var limits = HTTPClientLimits()
                    limits.timeout = .seconds(2)
                    try await deployment.withNotifier(settings: settings, limits: limits) {
                        try await deployment.post("1")
                        try await quick.waitFor(count: 1)
                        // Two hang; the others come once there is capacity, as their first attempt.
                        try await slow.waitFor(count: 2)
                        #expect(slow.count == 2)
                        let all = try await eventually {
                            Set(slow.requests.map(\.path)).count == 4 ? true : nil
                        }
                        #expect(all == true)
                    }
                    let late = slow.requests.filter { ["/2", "/3"].contains($0.path) }
                    #expect(late.allSatisfy { $0["herald-attempt"] == "1" })
                    #expect(quick.count == 1)
                    let log = try await deployment.store.deliveries.status(of: [0, 1, 2, 3])
                    #expect(log.allSatisfy { $0.oldestLease == nil })
                }
            }
        }
    }
}
