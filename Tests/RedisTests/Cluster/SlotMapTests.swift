import NIOCore
import Redis
import TestKit
import Testing

/// What is read of the answers of the nodes of a cluster.
struct SlotMapTests {
    private func node(_ host: RedisValue, _ port: Int64) -> RedisValue {
        .array([host, .integer(port), .string(Array("id".utf8)), .array([])])
    }

    private func text(_ text: String) -> RedisValue { .string(Array(text.utf8)) }

    @Test func `Each slot leads to the master of its range`() throws {
        let reply = RedisValue.array([
            .array([.integer(0), .integer(99), self.node(self.text("a"), 1), self.node(self.text("replica"), 9)]),
            .array([.integer(100), .integer(16_383), self.node(self.text("b"), 2)]),
        ])
        let map = try #require(SlotMap(reply, from: "asked"))
        #expect(map.masters == [.tcp(host: "a", port: 1), .tcp(host: "b", port: 2)])
        for (slot, host) in [(0, "a"), (99, "a"), (100, "b"), (16_383, "b")] as [(UInt16, String)] {
            let slot = try #require(KeySlot(number: slot))
            #expect(map[slot] == .tcp(host: host, port: host == "a" ? 1 : 2))
        }
        #expect(KeySlot(number: 16_384) == nil)
    }

    @Test func `A node without a name has that of the one that was asked`() throws {
        for name in [RedisValue.null, self.text("")] {
            let map = try #require(
                SlotMap(.array([.array([.integer(0), .integer(1), self.node(name, 7)])]), from: "asked"))
            #expect(map.masters == [.tcp(host: "asked", port: 7)])
            #expect(map[try #require(KeySlot(number: 2))] == nil)
        }
    }

    @Test func `What is no range is left out`() throws {
        let good = RedisValue.array([.integer(5), .integer(5), self.node(self.text("a"), 1)])
        let wrong: [RedisValue] = [
            .null, .integer(3), .array([]), .array([.integer(0), .integer(1)]),
            .array([.integer(-1), .integer(1), self.node(self.text("x"), 1)]),
            .array([.integer(2), .integer(1), self.node(self.text("x"), 1)]),
            .array([.integer(0), .integer(16_384), self.node(self.text("x"), 1)]),
            .array([.integer(0), .integer(1), self.node(self.text("x"), 0)]),
            .array([.integer(0), .integer(1), self.node(self.text("x"), 65_536)]),
            .array([.integer(0), .integer(1), self.node(self.text("?"), 1)]),
            .array([.integer(0), .integer(1), self.node(self.text(String(repeating: "x", count: 256)), 1)]),
            .array([.integer(0), .integer(1), .array([])]), .array([.integer(0), .integer(1), self.text("x")]),
        ]
        let map = try #require(SlotMap(.array(wrong + [good]), from: "asked"))
        #expect(map.masters == [.tcp(host: "a", port: 1)])
        #expect(SlotMap(.array(wrong), from: "asked") == nil)
        #expect(SlotMap(self.text("OK"), from: "asked") == nil)
    }

    @Test func `More masters than may be are left out`() throws {
        let ranges = (0..<1_200).map { number in
            RedisValue.array([
                .integer(Int64(number)), .integer(Int64(number)), self.node(self.text("h\(number)"), 1),
            ])
        }
        let map = try #require(SlotMap(.array(ranges), from: "asked"))
        #expect(map.masters.count == RedisLimits.clusterMastersMax)
        #expect(map[try #require(KeySlot(number: 1_100))] == nil)
    }

    @Test func `A redirection names slot and node`() throws {
        let slot = try #require(KeySlot(number: 3999))
        for (message, host, port, isAsking) in [
            ("MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381, false), ("ASK 3999 ::1:6381", "::1", 6381, true),
            ("MOVED 3999 :6381", "asked", 6381, false),
        ] {
            let redirection = try #require(Redirection(message, from: "asked"))
            #expect(redirection.slot == slot && redirection.isAsking == isAsking)
            #expect(redirection.address == .tcp(host: host, port: port))
        }
        for message in [
            "", "MOVED", "MOVED 3999", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED 1 h", "MOVED 1 h:0", "MOVED 1 h:99999",
            "GONE 1 h:1", "MOVED 1 ?:6379", "MOVED 1 h:1 more",
        ] {
            #expect(Redirection(message, from: "asked") == nil, "\(message)")
        }
    }

    @Test func `Any answer is taken or left, and none ends the process`() {
        var random = SeededGenerator(seed: 20_261_130)
        func value(_ depth: Int) -> RedisValue {
            switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
            case 0: .null
            case 1: .integer(Int64.random(in: .min ... .max, using: &random))
            case 2: .integer(Int64.random(in: -2...16_400, using: &random))
            case 3:
                .string(
                    (0..<Int.random(in: 0..<9, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
            default: .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth - 1) })
            }
        }
        for _ in 0..<20_000 {
            if let map = SlotMap(value(4), from: "h") { #expect(!map.masters.isEmpty) }
        }
    }
}

struct ClusterRetryTests {
    private func refused(_ message: String) -> RedisError { .refused(RedisServerError(message: message)) }

    @Test func `Only what did not run is sent again`() {
        for error in [
            RedisError.outcomeUnknown(.deadline), .malformedReply, .notSent(.shutDown), .notSent(.storeChanged),
            .notSent(.tooManyInFlight), .notSent(.deadline), self.refused("ERR wrong"), self.refused("OOM"),
            self.refused("NOSCRIPT"), self.refused("MOVED nonsense"),
        ] {
            var retry = ClusterRetry(until: .now() + .seconds(10))
            #expect(retry.next(after: error, from: "h", at: .now()) == .fail, "\(error)")
        }
    }

    @Test func `A slot that moves is waited for, with growing pauses, until the time is over`() {
        let begun = NIODeadline.now()
        var (retry, now, pauses) = (ClusterRetry(until: begun + .seconds(2)), begun, [TimeAmount]())
        while case .again(let pause, let readingMap) = retry.next(after: self.refused("TRYAGAIN x"), from: "h", at: now)
        {
            #expect(!readingMap)
            pauses.append(pause)
            now = now + pause
        }
        #expect(now <= begun + .seconds(2))
        #expect(pauses.first == .milliseconds(20) && pauses.last == .milliseconds(200) && pauses == pauses.sorted())
    }

    @Test func `The map is read again where it may be wrong`() {
        for error in [
            RedisError.notSent(.disconnected), .notSent(.replica), .notSent(.loading),
            self.refused("CLUSTERDOWN x"), self.refused("READONLY x"),
        ] {
            var retry = ClusterRetry(until: .now() + .seconds(1))
            guard case .again(_, readingMap: true) = retry.next(after: error, from: "h", at: .now()) else {
                Issue.record("\(error)")
                continue
            }
        }
    }

    @Test func `Nodes that send a command in a circle are asked again after pauses, until the time is over`() {
        let begun = NIODeadline.now()
        var (retry, now, followed, pauses) = (ClusterRetry(until: begun + .seconds(1)), begun, 0, 0)
        loop: while true {
            switch retry.next(after: self.refused("MOVED 1 h:\(1 + followed)"), from: "h", at: now) {
            case .follow: followed += 1
            case .again(let pause, let readingMap):
                #expect(readingMap)
                pauses += 1
                now = now + pause
            case .fail: break loop
            }
        }
        #expect(pauses > 2 && followed == (pauses + 1) * ClusterRetry.redirectionsMax)
    }
}
