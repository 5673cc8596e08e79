import CoreMetrics
import Runtime
import Testing

/// Each test has a registry of its own, reached through swift-metrics as the code that counts does.
struct MetricsTests {
    let registry = MetricsRegistry()

    @Test
    func `A counter grows, series by series`() {
        let accepted = Counter(
            label: "notify.delivery.attempts", dimensions: [("outcome", "accepted"), ("channel", "webhook")],
            factory: self.registry)
        accepted.increment()
        accepted.increment(by: 2)
        Counter(label: "notify.delivery.attempts", dimensions: [("outcome", "refused")], factory: self.registry)
            .increment()
        #expect(
            self.registry.text() == """
                # TYPE notify_delivery_attempts_total counter
                notify_delivery_attempts_total{channel="webhook",outcome="accepted"} 3
                notify_delivery_attempts_total{outcome="refused"} 1

                """)
    }

    @Test
    func `The same label and dimensions are the same series, in any order of the dimensions`() {
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: self.registry).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: self.registry).increment()
        #expect(self.registry.text().contains("c_total{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test
    func `A gauge and a meter are as they were last set`() {
        let gauge = Gauge(label: "in.flight", factory: self.registry)
        gauge.record(7)
        gauge.record(2.5)
        let meter = Meter(label: "open", factory: self.registry)
        meter.set(4)
        meter.decrement(by: 1)
        #expect(self.registry.text() == "# TYPE in_flight gauge\nin_flight 2.5\n# TYPE open gauge\nopen 3\n")
    }

    @Test
    func `A timer is a histogram in seconds whose buckets add up`() {
        let timer = Timer(label: "lag", factory: self.registry)
        timer.recordMilliseconds(1)
        timer.recordMilliseconds(3)
        timer.recordSeconds(500)
        let text = self.registry.text()
        #expect(text.hasPrefix("# TYPE lag_seconds histogram\nlag_seconds_bucket{le=\"0.0005\"} 0\n"))
        #expect(text.contains("lag_seconds_bucket{le=\"0.001\"} 1\n"))
        #expect(text.contains("lag_seconds_bucket{le=\"0.005\"} 2\n"))
        #expect(text.contains("lag_seconds_bucket{le=\"180\"} 2\n"))
        #expect(text.hasSuffix("lag_seconds_bucket{le=\"+Inf\"} 3\nlag_seconds_sum 500.004\nlag_seconds_count 3\n"))
    }

    @Test
    func `A recorder is a histogram of amounts`() {
        Recorder(label: "batch", dimensions: [("kind", "settle")], factory: self.registry).record(3)
        #expect(self.registry.text().contains("batch_bucket{kind=\"settle\",le=\"5\"} 1\n"))
        #expect(self.registry.text().contains("batch_sum{kind=\"settle\"} 3\n"))
    }

    @Test
    func `Values are escaped`() {
        Counter(label: "c", dimensions: [("text", "a\"b\\c\nd")], factory: self.registry).increment()
        #expect(self.registry.text().contains(#"c_total{text="a\"b\\c\nd"} 1"# + "\n"))
    }

    @Test
    func `A family has so many series and no more`() {
        for number in 0..<(MetricsRegistry.seriesMax + 50) {
            Counter(label: "c", dimensions: [("id", String(number))], factory: self.registry).increment()
        }
        let lines = self.registry.text().split(separator: "\n")
        #expect(lines.count == 1 + MetricsRegistry.seriesMax + 1)
        #expect(lines.contains("c_total{overflow=\"true\"} 50"))
    }
}
