import Metrics
import Runtime

/// One series of a gauge: the metric, and a value for each of its dimensions.
struct Gauged: Hashable {
    let metric: Metric
    let dimensions: [String]

    init(_ metric: Metric, _ dimensions: String...) {
        self.metric = metric
        self.dimensions = dimensions
    }
}

/// Gauges that are there as long as they are measured: what a look does not find any more is not shown any more.
struct DeploymentGauges {
    private var meters: [Gauged: Meter] = [:]

    /// Shows these values, and no others.
    mutating func show(_ values: [(metric: Gauged, value: Double)]) {
        let shown = Set(values.map(\.metric))
        for gauged in self.meters.keys where !shown.contains(gauged) {
            self.meters.removeValue(forKey: gauged)?.destroy()
        }
        for (gauged, value) in values {
            let meter = self.meters[gauged] ?? gauged.metric.gauge(of: gauged.dimensions)
            self.meters[gauged] = meter
            meter.set(value)
        }
    }
}
