import CoreMetrics
import NIOConcurrencyHelpers
import Synchronization

/// What a family of metrics is to Prometheus.
enum Kind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// One line, or one group of lines, of the exposition.
protocol Series: AnyObject, Sendable {
    func write(name: String, labels: String, into text: inout String)
}

/// Something that only grows.
final class CounterSeries: Series, CounterHandler {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { self.value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { self.value.store(0, ordering: .relaxed) }

    func write(name: String, labels: String, into text: inout String) {
        text += Exposition.line(name, labels, String(self.value.load(ordering: .relaxed)))
    }
}

/// Something that is as it is now.
final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    private let value = NIOLockedValueBox(0.0)

    func set(_ value: Int64) { self.set(Double(value)) }
    func set(_ value: Double) { self.value.withLockedValue { $0 = value } }
    func increment(by amount: Double) { self.value.withLockedValue { $0 += amount } }
    func decrement(by amount: Double) { self.value.withLockedValue { $0 -= amount } }
    func record(_ value: Int64) { self.set(Double(value)) }
    func record(_ value: Double) { self.set(value) }

    func write(name: String, labels: String, into text: inout String) {
        text += Exposition.line(name, labels, Exposition.number(self.value.withLockedValue { $0 }))
    }
}

/// How often a value was at most so much.
final class HistogramSeries: Series, RecorderHandler, TimerHandler {
    /// The upper ends of the buckets; one without an end follows the last.
    struct Bounds: Sendable {
        let ends: [Double]

        /// From the fastest webhook on loopback to the longest an exchange may take.
        static let seconds = Bounds(
            ends: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180])
        /// Batches and sizes.
        static let amounts = Bounds(ends: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000, 1_000_000])
    }

    private struct State: Sendable {
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: Bounds
    private let state: NIOLockedValueBox<State>

    init(bounds: Bounds) {
        self.bounds = bounds
        self.state = NIOLockedValueBox(State(counts: Array(repeating: 0, count: bounds.ends.count + 1)))
    }

    func record(_ value: Int64) { self.record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { self.record(Double(duration) / 1e9) }

    func record(_ value: Double) {
        let bucket = self.bounds.ends.firstIndex { value <= $0 } ?? self.bounds.ends.count
        self.state.withLockedValue { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func write(name: String, labels: String, into text: inout String) {
        let state = self.state.withLockedValue { $0 }
        let comma = labels.isEmpty ? "" : ","
        var total: Int64 = 0
        for (count, end) in zip(state.counts, self.bounds.ends + [.infinity]) {
            total += count
            let bucket = "\(labels)\(comma)le=\"\(Exposition.number(end))\""
            text += Exposition.line("\(name)_bucket", bucket, String(total))
        }
        text += Exposition.line("\(name)_sum", labels, Exposition.number(state.sum))
        text += Exposition.line("\(name)_count", labels, String(total))
    }
}
