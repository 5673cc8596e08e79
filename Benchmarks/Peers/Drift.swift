/// How far retries arrive from when they are due: the end of the attempt before them, and the wait of the policy.
///
/// The end of an attempt is when its answer was written here. Herald counts from when it has read that answer and written
/// the outcome down, so what this calls drift includes both.
struct Drift {
    let waitNs: Int64
    private var answeredNs: [Int: Int64] = [:]
    private var driftsUs: [Int64] = []
    private var earlyCount = 0

    init(waitSeconds: Int64) { self.waitNs = waitSeconds * 1_000_000_000 }

    mutating func answered(_ delivery: String, at now: Int64) { self.answeredNs[delivery.hashValue] = now }

    mutating func retried(_ delivery: String, at now: Int64) {
        guard let answered = self.answeredNs.removeValue(forKey: delivery.hashValue) else { return }
        let drift = now - answered - self.waitNs
        if drift < 0 { self.earlyCount += 1 }
        self.driftsUs.append(drift / 1000)
    }

    /// Members of a JSON object.
    var json: String {
        let sorted = self.driftsUs.sorted()
        func percentile(_ share: Double) -> Int64 {
            sorted.isEmpty ? 0 : sorted[Int(Double(sorted.count - 1) * share)]
        }
        return #""retries":\#(sorted.count),"early":\#(self.earlyCount),"drift_min_us":\#(sorted.first ?? 0),"#
            + #""drift_p50_us":\#(percentile(0.5)),"drift_p99_us":\#(percentile(0.99)),"drift_max_us":\#(sorted.last ?? 0)"#
    }
}
