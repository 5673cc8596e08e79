import Foundation
import NIOCore
import TestKit
import Testing

extension DeploymentTests {
    /// An endpoint that never answers delays no other.
    struct IsolationTests {
        static let endpoints = 200
        static let rounds = 10

        @Test func `Half of the endpoints hanging does not hold up the others`() async throws {
            let healthy = try await Self.run(hanging: false)
            let besideHanging = try await Self.run(hanging: true)
            // No smaller difference shows with so few messages on a machine that does other things too.
            let ratio = besideHanging.percentile(0.99) / max(healthy.percentile(0.99), .milliseconds(100))
            #expect(ratio <= 5)
            report(
                "isolation",
                "p99 of the healthy half: \(healthy.percentile(0.99).milliseconds) ms with all healthy,"
                    + " \(besideHanging.percentile(0.99).milliseconds) ms with \(Self.endpoints / 2) of"
                    + " \(Self.endpoints) hanging, ratio \((ratio * 100).rounded() / 100)")
        }

        /// Posts to one queue with 200 subscribers, and gives the account of those that always answer.
        private static func run(hanging: Bool) async throws -> Audit {
            let paths = (0..<Self.endpoints).map { "/\($0)" }
            var answers: [String: ReceiverAnswer] = [:]
            for (index, path) in paths.enumerated() where hanging && index % 2 == 1 { answers[path] = .hang }
            return try await withDeployment { deployment in
                try await WebhookReceiver.with(answers: answers) { receiver in
                    let api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    for path in paths { try await Load.subscribe(receiver.url(path), to: "jobs", on: api.address) }
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    await load.run(callers: 1, posts: Self.rounds, pause: .milliseconds(200))
                    let healthy = paths.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
                    let expected = healthy.count * Self.rounds
                    let healthySet = Set(healthy)
                    let arrivals = try await eventually(within: .seconds(60)) {
                        let arrivals = receiver.requests.filter { healthySet.contains($0.path) }
                        return arrivals.count >= expected ? arrivals : nil
                    }
                    let all = try #require(arrivals, "healthy endpoints wait for hanging ones; \(deployment.logs)")
                    return Audit(joining: healthy.map { path in ledger.audit(all.filter { $0.path == path }) })
                }
            }
        }
    }
}
