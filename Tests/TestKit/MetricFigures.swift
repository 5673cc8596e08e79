/// What `/metrics` of several processes shows, as a monitoring system adds it up.
package struct MetricFigures: Sendable {
    package struct Sample: Sendable, Equatable {
        package let name: String
        package let labels: [String: String]
        package let value: Double
    }

    /// All of them, of all processes.
    package private(set) var samples: [Sample] = []

    package init() {}

    /// Reads what processes show; one that cannot be reached shows nothing.
    package init(of callers: [HTTPCaller]) async {
        for caller in callers {
            guard let reply = try? await caller.send("GET", "/metrics"), reply.status == 200 else { continue }
            self.add(reply.text)
        }
    }

    /// Adds a text in the format of Prometheus; values of labels hold no blanks, commas or quotes here.
    package mutating func add(_ text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let blank = line.lastIndex(of: " "), let value = Double(line[line.index(after: blank)...]) else {
                continue
            }
            let series = line[..<blank]
            var labels: [String: String] = [:]
            for match in series.matches(of: #/(\w+)="([^"]*)"/#) {
                labels[String(match.output.1)] = String(match.output.2)
            }
            self.samples.append(
                Sample(name: String(series.prefix { $0 != "{" }), labels: labels, value: value))
        }
    }

    private func values(_ name: String, _ labels: [String: String]) -> [Double] {
        self.samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }.map(\.value)
    }

    /// `sum(name{labels})`; nil where there is no such series.
    package func sum(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let values = self.values(name, labels)
        return values.isEmpty ? nil : values.reduce(0, +)
    }

    /// `max(name{labels})`.
    package func max(_ name: String, _ labels: [String: String] = [:]) -> Double? { self.values(name, labels).max() }
}
