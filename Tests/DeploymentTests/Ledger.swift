import Foundation
import NIOConcurrencyHelpers
import TestKit

/// What callers were promised, held against what subscribers got.
final class Ledger: Sendable {
    /// How a post ended, as its caller saw it.
    enum Answer: Sendable {
        /// 201: the message is promised.
        case accepted
        /// An answer that says no. When it is certain, the message must not be there either.
        case refused(status: Int, isCertain: Bool)
        /// No answer: the message may or may not be there.
        case unknown
    }

    private struct State {
        var next = 0
        var accepted: [Int: ContinuousClock.Instant] = [:]
        var answered: [(sent: ContinuousClock.Instant, after: Duration)] = []
        var refused: [Int: Int] = [:]
        var unknown: Set<Int> = []
    }

    private let state = NIOLockedValueBox(State())

    /// The number of the next message; it is the message's body too.
    func next(below limit: Int) -> Int? {
        self.state.withLockedValue { state in
            guard state.next < limit else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func record(_ answer: Answer, for number: Int, sent: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        self.state.withLockedValue { state in
            switch answer {
            case .accepted:
                state.accepted[number] = now
                state.answered.append((sent, now - sent))
            case .refused(let status, let isCertain):
                state.refused[status, default: 0] += 1
                if !isCertain { state.unknown.insert(number) }
            case .unknown: state.unknown.insert(number)
            }
        }
    }

    var accepted: [Int: ContinuousClock.Instant] { self.state.withLockedValue { $0.accepted } }
    /// When each post that was answered 201 was sent, and how long the answer took.
    var answered: [(sent: ContinuousClock.Instant, after: Duration)] { self.state.withLockedValue { $0.answered } }
    var unknown: Set<Int> { self.state.withLockedValue { $0.unknown } }
    /// Answers other than 201, counted by status.
    var refused: [Int: Int] { self.state.withLockedValue { $0.refused } }

    /// The longest time from then on in which no post was answered 201.
    func longestPause(after begun: ContinuousClock.Instant) -> Duration {
        let answered = [begun] + self.accepted.values.filter { $0 > begun }.sorted()
        return zip(answered, answered.dropFirst()).map { $1 - $0 }.max() ?? .zero
    }

    /// Holds the promises against the arrivals of one subscriber.
    func audit(_ arrivals: [ReceivedRequest]) -> Audit {
        var first: [Int: ContinuousClock.Instant] = [:]
        var ids: [Int: Set<String>] = [:]
        var repeats = 0
        for arrival in arrivals {
            guard let number = Self.number(of: arrival) else { continue }
            ids[number, default: []].insert(arrival["webhook-id"] ?? "")
            if first[number] == nil { first[number] = arrival.arrivedAt } else { repeats += 1 }
        }
        let accepted = self.accepted
        return Audit(
            promised: accepted.count,
            missing: accepted.keys.filter { first[$0] == nil }.sorted(),
            invented: first.keys.filter { accepted[$0] == nil && !self.unknown.contains($0) }.sorted(),
            repeats: repeats,
            changedIDs: ids.filter { $0.value.count > 1 }.keys.sorted(),
            latencies: first.compactMap { number, arrival in accepted[number].map { arrival - $0 } }.sorted())
    }

    /// When each message that was promised was answered, and how long until it first arrived.
    func latencies(_ arrivals: [ReceivedRequest]) -> [(posted: ContinuousClock.Instant, latency: Duration)] {
        var first: [Int: ContinuousClock.Instant] = [:]
        for arrival in arrivals {
            guard let number = Self.number(of: arrival), first[number] == nil else { continue }
            first[number] = arrival.arrivedAt
        }
        return self.accepted.compactMap { number, posted in first[number].map { (posted, $0 - posted) } }
    }

    /// The body of message `number`, as it is posted.
    static func body(of number: Int) -> String { #"{"messages":[{"body":{"n":\#(number)}}]}"# }

    /// Reads the number back out of a notification.
    static func number(of request: ReceivedRequest) -> Int? {
        let text = request.text
        guard let start = text.firstRange(of: #""n":"#)?.upperBound else { return nil }
        return Int(text[start...].prefix(while: \.isNumber))
    }
}

/// One subscriber's account.
struct Audit {
    /// Messages answered 201.
    let promised: Int
    /// Promised and never arrived.
    let missing: [Int]
    /// Arrived, but neither promised nor possibly posted.
    let invented: [Int]
    /// Arrivals beyond the first of a message.
    let repeats: Int
    /// Messages that came under more than one `webhook-id`.
    let changedIDs: [Int]
    /// From the 201 to the first arrival, sorted; negative when the webhook was faster than the answer.
    let latencies: [Duration]

    func percentile(_ share: Double) -> Duration {
        self.latencies.percentile(share)
    }

    var isClean: Bool { self.missing.isEmpty && self.invented.isEmpty && self.changedIDs.isEmpty }
}

extension [Duration] {
    /// The smallest that is as long as this share of them; zero of none.
    func percentile(_ share: Double) -> Duration {
        self.isEmpty ? .zero : self.sorted()[Int(Double(self.count - 1) * share)]
    }
}

extension Audit {
    /// The account of several subscribers as one.
    init(joining audits: [Audit]) {
        self.init(
            promised: audits.map(\.promised).reduce(0, +),
            missing: audits.flatMap(\.missing),
            invented: audits.flatMap(\.invented),
            repeats: audits.map(\.repeats).reduce(0, +),
            changedIDs: audits.flatMap(\.changedIDs),
            latencies: audits.flatMap(\.latencies).sorted())
    }
}
