/// What arrived since the last reset: how much, over how long, and how old it was.
struct Arrivals {
    private(set) var count = 0
    private var firstNs: Int64 = 0
    private var lastNs: Int64 = 0
    private var latenciesUs: [Int64] = []

    /// - Parameter postedNs: By its stamp; nil: it has none.
    mutating func arrived(postedNs: Int64?, at nowNs: Int64) {
        if self.count == 0 { self.firstNs = nowNs }
        self.lastNs = nowNs
        self.count += 1
        if let postedNs { self.latenciesUs.append((nowNs - postedNs) / 1000) }
    }

    /// Members of a JSON object.
    var json: String {
        let sorted = self.latenciesUs.sorted()
        func percentile(_ share: Double) -> Int64 {
            sorted.isEmpty ? 0 : sorted[Int(Double(sorted.count - 1) * share)]
        }
        return #""seconds":\#(Double(self.lastNs - self.firstNs) / 1e9),"min_us":\#(percentile(0)),"#
            + #""p50_us":\#(percentile(0.5)),"p99_us":\#(percentile(0.99)),"max_us":\#(percentile(1))"#
    }
}
