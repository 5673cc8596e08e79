import Filters
import Foundation
import JSON

/// Holds bodies of several sizes against one filter policy, and prints a line of JSON for each.
///
/// ```
/// filter-rate SECONDS BYTES…
/// {"bytes":2048,"matches":true,"filter_ns":…,"refusal_ns":…,"scan_ns":…}
/// ```
/// `filter_ns` is a decision that matches, `refusal_ns` one that refuses, and `scan_ns` the reading of the same body by `JSONReader` alone.
/// They take turns, and the median of the rounds counts.
@main
enum FilterRate {
    static func main() throws {
        let arguments = CommandLine.arguments
        let sizes = arguments.dropFirst(2).compactMap { Int($0) }
        guard arguments.count > 2, let seconds = Double(arguments[1]), sizes.count == arguments.count - 2 else {
            print("usage: filter-rate SECONDS BYTES…")
            exit(64)
        }
        let policy = try FilterPolicy(Self.policy(store: "example_corp"))
        let other = try FilterPolicy(Self.policy(store: "another_corp"))
        for size in sizes {
            let body = Self.body(bytes: size)
            let round = Duration.seconds(seconds / Double(3 * Self.rounds))
            var filter: [Double] = []
            var refusal: [Double] = []
            var scan: [Double] = []
            for _ in 0..<Self.rounds {
                filter.append(Self.nanoseconds(for: round) { policy.decision(on: body.span).isMatch ? 1 : 0 })
                refusal.append(Self.nanoseconds(for: round) { other.decision(on: body.span).isMatch ? 1 : 0 })
                scan.append(Self.nanoseconds(for: round) { Self.scan(body) })
            }
            print(
                String(
                    format: #"{"bytes":%d,"matches":%@,"filter_ns":%.0f,"refusal_ns":%.0f,"scan_ns":%.0f}"#, body.count,
                    "\(policy.decision(on: body.span).isMatch)", Self.median(filter), Self.median(refusal),
                    Self.median(scan)))
        }
    }

    private static func policy(store: String) -> String {
        """
        {"store": ["\(store)"], "price_usd": [{"numeric": [">=", 100]}],
         "customer": {"interests": ["rugby", "football", "baseball"]}}
        """
    }

    /// Two keys of the policy stand at the end, so that the whole body has to be passed.
    private static func body(bytes: Int) -> [UInt8] {
        let head = #"{"id":"0b1f6a52-6f6e-4a55-9c0e-7d2f0c1b8a11","store":"example_corp","items":["#
        let tail = #"],"customer":{"name":"Ada","interests":["soccer","rugby"]},"price_usd":210.75}"#
        var body = Array(head.utf8)
        var number = 0
        while true {
            let item = """
                \(number == 0 ? "" : ","){"sku":"A-\(1_000 + number)","title":"A ball of leather, \\"size 5\\", hand-sewn",\
                "quantity":\(number % 7),"price":19.95,"tags":["new","sport"],"inStock":true}
                """
            if body.count + item.utf8.count + tail.utf8.count > bytes { break }
            body.append(contentsOf: item.utf8)
            number += 1
        }
        body.append(contentsOf: tail.utf8)
        return body
    }

    @inline(never)
    private static func scan(_ body: [UInt8]) -> Int {
        var reader = JSONReader()
        guard let value = try? reader.value(in: body.span) else { return 0 }  // the body is sound
        return value.range.count
    }

    private static func nanoseconds(for round: Duration, _ work: () -> Int) -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        var calls = 0
        var sum = 0
        while clock.now - start < round {
            for _ in 0..<Self.callsAtOnce { sum &+= work() }
            calls += Self.callsAtOnce
        }
        let elapsed = (clock.now - start) / .nanoseconds(1)
        precondition(sum >= 0)
        return elapsed / Double(calls)
    }

    private static func median(_ figures: [Double]) -> Double {
        figures.sorted()[figures.count / 2]
    }

    private static let rounds = 9
    private static let callsAtOnce = 64
}
