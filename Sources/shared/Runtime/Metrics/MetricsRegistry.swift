package import CoreMetrics
import NIOConcurrencyHelpers

/// Everything this process counts, and its text for Prometheus.
///
/// It is the backend behind swift-metrics. A label becomes a family (`notify.delivery.lag` the family
/// `notify_delivery_lag_seconds`), a set of dimensions a series in it. The series of one family are bounded: dimensions come
/// from enums, and a mistake there must not eat the memory.
///
/// | swift-metrics | family | named |
/// |---|---|---|
/// | `Counter` | counter | `…_total` |
/// | `Timer` | histogram in seconds | `…_seconds` |
/// | `Recorder` | histogram | as it is |
/// | `Gauge`, `Meter` | gauge | as it is |
package final class MetricsRegistry: Sendable {
    /// The registry of the process, behind swift-metrics once ``HeraldProcess`` runs.
    package static let shared = MetricsRegistry()

    /// Series one family may have; what comes later is counted together under `overflow="true"`.
    package static let seriesMax = 256

    private let families = NIOLockedValueBox<[String: Family]>([:])

    package init() {}

    /// Puts the shared registry behind swift-metrics, and has it say what runs.
    ///
    /// Once per process, at its start.
    static func bootstrap() {
        MetricsSystem.bootstrap(Self.shared)
        ProcessFigures.processStarts()
        Metric.buildInfo.gauge(HeraldVersion.text, HeraldVersion.commit).set(1)
    }

    /// Everything, in the text format of Prometheus (version 0.0.4), families and series in byte order.
    package func text() -> String {
        let families = self.families.withLockedValue { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let metric = Metric.byFamily[name] { text += Exposition.help(name, metric.help) }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name: name, labels: labels, into: &text)
            }
        }
        return text
    }

    private struct Family: Sendable {
        let kind: Kind
        var series: [String: any Series] = [:]
    }

    /// The series of a family with these dimensions, made on first use.
    private func series<S: Series>(
        _ name: String, _ kind: Kind, _ dimensions: [(String, String)], make: () -> S
    ) -> S {
        let labels = Exposition.labels(dimensions)
        return self.families.withLockedValue { families in
            var family = families[name] ?? Family(kind: kind)
            let isFull = family.series[labels] == nil && family.series.count >= Self.seriesMax
            let key = isFull ? Exposition.labels([("overflow", "true")]) : labels
            let found = family.series[key] ?? make()
            guard let series = found as? S else {
                preconditionFailure("the metric \(name) is a \(family.kind) and was asked for as a \(kind)")
            }
            family.series[key] = series
            families[name] = family
            return series
        }
    }
}

extension MetricsRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.series(MetricKind.counter.family(of: label), .counter, dimensions) { CounterSeries() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.series(MetricKind.gauge.family(of: label), .gauge, dimensions) { GaugeSeries() }
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate {
            self.series(Exposition.name(label), .histogram, dimensions) { HistogramSeries(bounds: .amounts) }
        } else {
            self.series(Exposition.name(label), .gauge, dimensions) { GaugeSeries() }
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        self.series(MetricKind.timer.family(of: label), .histogram, dimensions) {
            HistogramSeries(bounds: .seconds)
        }
    }

    /// A gauge goes with what it measures.
    package func destroyMeter(_ handler: any MeterHandler) {
        self.families.withLockedValue { families in
            families = families.mapValues { family in
                var family = family
                family.series = family.series.filter { $0.value !== handler }
                return family
            }
        }
    }

    // Other series live as long as the process: a counter that starts again from zero would read as a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
