import Domain
import Foundation
import TestKit
import Testing

extension Durability {
    /// What a deployment and its three servers are given for it, so that whichever replica is promoted has what was replicated: all of them
    /// are waited for, and Redis refuses what they cannot have.
    var ofThreeServers: (settings: [String: String], arguments: [String]) {
        var settings = ["HERALD_REDIS_DURABILITY": self.rawValue]
        if self == .replicated { settings["HERALD_REDIS_REPLICAS"] = "2" }
        let needed = self == .replicated ? "2" : "1"
        return (settings, ["--min-replicas-to-write", needed, "--min-replicas-max-lag", "2"])
    }
}

/// What a deployment lost when the master of its Redis was killed, or cut off, under load.
struct FailoverOutcome {
    /// The runs of each case, by their seeds; others by `HERALD_FAILOVER_RUNS`: `20`, or `11-20`.
    static let runs: ClosedRange<Int> = {
        let asked = ProcessInfo.processInfo.environment["HERALD_FAILOVER_RUNS"] ?? "1"
        let ends = asked.split(separator: "-").compactMap { Int($0) }
        guard let last = ends.last, last >= 1 else { return 1...1 }
        return (ends.count == 2 ? min(max(1, ends[0]), last) : 1)...last
    }()

    let audit: Audit
    /// Whether everything arrived that has to.
    let isComplete: Bool
    /// The longest time in which no post was answered 201.
    let gap: Duration

    /// Waits for what has to arrive: all that was answered 201, or where replicas may have missed some, what was answered by the
    /// next master.
    ///
    /// - Parameters:
    ///   - load: Has been stopped.
    ///   - begun: When the master was killed, or cut off.
    ///   - settled: When what was answered 201 was answered by the next master.
    init(
        of load: Load, at path: String, of receiver: WebhookReceiver, _ durability: Durability,
        begun: ContinuousClock.Instant, settled: ContinuousClock.Instant
    ) async throws {
        // A post that was under way when the load was stopped may be accepted after a look, and be delivered before that.
        let complete = try await eventually(within: .seconds(90)) { () -> Audit? in
            let audit = load.ledger.audit(receiver.requests(at: path))
            let late = load.ledger.accepted.filter { $0.value > settled }
            let isComplete =
                durability == .replicated ? audit.missing.isEmpty : Set(audit.missing).isDisjoint(with: late.keys)
            return isComplete && audit.invented.isEmpty ? audit : nil
        }
        self.audit = complete ?? load.ledger.audit(receiver.requests(at: path))
        self.isComplete = complete != nil
        self.gap = load.ledger.longestPause(after: begun)
    }

    /// Prints the figures, and holds them against what is promised.
    func check(_ name: String, _ load: Load, _ deployment: Deployment) {
        report(
            name,
            "no 201 for \(self.gap.milliseconds) ms; \(self.audit.promised) answered 201,"
                + " lost \(self.audit.missing.count), repeats \(self.audit.repeats); other answers \(load.ledger.refused)"
        )
        let (missing, invented) = (self.audit.missing.count, self.audit.invented)
        #expect(self.isComplete, "\(missing) did not arrive, \(invented) were refused and did; \(deployment.logs)")
        #expect(self.audit.changedIDs.isEmpty)
        #expect(load.ledger.refused.keys.allSatisfy { $0 == 503 })
    }
}
