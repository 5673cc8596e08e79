import Domain
import Foundation
import Redis
import TestKit
import Testing

extension OutageTests {
    /// A deployment whose master is cut off by the network, and comes back as a replica.
    @Suite(.enabled("network namespaces take root") { await TestNetwork.isAvailable() })
    struct PartitionTests {
        /// What a master is cut off from.
        enum Cut: String, CaseIterable, Sendable {
            case fromServers = "the others"
            /// With a Sentinel on its machine, which goes on to name it.
            case withSentinel = "the others, with a Sentinel"
            case fromAll = "everything"

            /// Three machines with a server each, and one more.
            fileprivate func hosts(of network: TestNetwork) -> SentinelHosts {
                let hosts = network.hosts
                return SentinelHosts(
                    servers: Array(hosts.prefix(3)),
                    sentinels: Array(self == .withSentinel ? hosts.prefix(3) : hosts.suffix(3)))
            }
        }

        struct Case: Sendable {
            let cut: Cut
            let durability: Durability

            static let all = Cut.allCases.flatMap { cut in
                Durability.allCases.map { Case(cut: cut, durability: $0) }
            }
        }

        @Test(arguments: Case.all, FailoverOutcome.runs)
        func `A master that is cut off is replaced, and loses what it took alone, which is nothing that was replicated`(
            _ each: Case, run: Int
        ) async throws {
            let (cut, durability) = (each.cut, each.durability)
            var random = SeededGenerator(seed: UInt64(run))
            let more = random.pick([3, 40, 150, 400])
            let (settings, arguments) = durability.ofThreeServers
            try await withTestNetwork(machines: 4) { network in
                try await withSentinels(appendOnly: true, hosts: cut.hosts(of: network), arguments: arguments) {
                    sentinels async throws in
                    try await SentinelFailoverTests.withLoad(on: sentinels, settings: settings) {
                        load, deployment, receiver in
                        let old = sentinels.servers[0]
                        let count = load.ledger.accepted.count + more
                        _ = try await eventually { load.ledger.accepted.count >= count ? true : nil }
                        try await network.cut(0, fromUsToo: cut == .fromAll)
                        let begun = ContinuousClock.now
                        let new = try await sentinels.master(after: old)
                        #expect(new !== old)
                        let refuses: Bool? = try await eventually {
                            let text = try await old.command("INFO", "replication").text
                            return text?.contains("min_slaves_good_slaves:0") == true ? true : nil
                        }
                        #expect(refuses == true)
                        // Where all replicas are waited for, the one that is cut off is missing until it is back.
                        if durability != .replicated { _ = try await SentinelFailoverTests.recovery(of: load.ledger) }
                        let settled = ContinuousClock.now
                        try await network.heal()
                        #expect(try await sentinels.becomesReplica(old))
                        _ = try await SentinelFailoverTests.recovery(of: load.ledger)
                        load.stop()
                        let outcome = try await FailoverOutcome(
                            of: load, at: "/a", of: receiver, durability, begun: begun, settled: settled)
                        outcome.check(
                            "master cut off from \(cut.rawValue), \(durability.rawValue), run \(run)", load, deployment)
                    }
                }
            }
        }
    }
}
