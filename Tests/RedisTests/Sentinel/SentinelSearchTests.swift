import Redis
import TLS
import TestKit
import Testing

/// Which Sentinel is asked, and which answer is taken, without any I/O.
struct SentinelSearchTests {
    private let sentinels = (1...3).map { RedisEndpoint.Address.tcp(host: "s\($0)", port: 26379) }
    private let servers = (1...3).map { RedisEndpoint.Address.tcp(host: "r\($0)", port: 6379) }

    private func names(_ server: Int) -> Result<SentinelAnswer, SentinelFailure> {
        .success(SentinelAnswer(master: self.servers[server]))
    }

    private func lost(_ server: Int, _ reason: ConnectionLoss.Reason = .notMaster) -> ConnectionLoss {
        ConnectionLoss(address: self.servers[server], reason: reason)
    }

    @Test func `The first answer is taken, and the Sentinel that gave it is asked first the next time`() {
        var search = SentinelSearch(self.sentinels)
        #expect(search.begin(after: nil) == .ask(self.sentinels[0]))
        #expect(search.answered(self.sentinels[0], .failure(.unreachable)) == .ask(self.sentinels[1]))
        #expect(search.answered(self.sentinels[1], self.names(0)) == .found(self.servers[0]))
        #expect(search.begin(after: nil) == .ask(self.sentinels[1]))
        #expect(search.answered(self.sentinels[1], .failure(.unreachable)) == .ask(self.sentinels[0]))
    }

    @Test func `Connections that ask at the same time share a search`() {
        var search = SentinelSearch(self.sentinels)
        #expect(search.begin(after: nil) == .ask(self.sentinels[0]))
        #expect(search.begin(after: nil) == nil)
        // What one of them has lost meanwhile is passed over for all.
        #expect(search.begin(after: self.lost(0)) == nil)
        #expect(search.answered(self.sentinels[0], self.names(0)) == .ask(self.sentinels[1]))
        #expect(search.answered(self.sentinels[1], self.names(1)) == .found(self.servers[1]))
    }

    @Test(arguments: [ConnectionLoss.Reason.notMaster, .unreachable, .refused])
    func `A Sentinel that still names the server that was lost is not the last one asked`(reason: ConnectionLoss.Reason)
    {
        var search = SentinelSearch(self.sentinels)
        #expect(search.begin(after: self.lost(0, reason)) == .ask(self.sentinels[0]))
        #expect(search.answered(self.sentinels[0], self.names(0)) == .ask(self.sentinels[1]))
        #expect(search.answered(self.sentinels[1], self.names(1)) == .found(self.servers[1]))
        #expect(search.sentinels[0] == self.sentinels[1], "the one that is behind is not asked first again")
    }

    @Test func `A server that was lost is taken again when all name it`() {
        var search = SentinelSearch(self.sentinels)
        #expect(search.begin(after: self.lost(0)) == .ask(self.sentinels[0]))
        #expect(search.answered(self.sentinels[0], self.names(0)) == .ask(self.sentinels[1]))
        #expect(search.answered(self.sentinels[1], .failure(.unreachable)) == .ask(self.sentinels[2]))
        #expect(search.answered(self.sentinels[2], self.names(0)) == .found(self.servers[0]))
    }

    @Test func `After a notice the master of before is passed over, until it is the master again`() {
        var search = SentinelSearch(self.sentinels)
        #expect(search.noticed(MasterSwitch(from: self.servers[0], to: self.servers[1])) == nil)
        #expect(search.begin(after: nil) == .ask(self.sentinels[0]))
        #expect(search.answered(self.sentinels[0], self.names(0)) == .ask(self.sentinels[1]))
        #expect(search.answered(self.sentinels[1], self.names(1)) == .found(self.servers[1]))
        #expect(search.noticed(MasterSwitch(from: self.servers[1], to: self.servers[0])) == nil)
        #expect(search.begin(after: nil) == .ask(self.sentinels[1]))
        #expect(search.answered(self.sentinels[1], self.names(0)) == .found(self.servers[0]))
    }

    @Test(arguments: [[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    func `A master of before is not taken while another Sentinel names the new one, which was lost`(named: [Int]) {
        var search = SentinelSearch(self.sentinels)
        _ = search.noticed(MasterSwitch(from: self.servers[0], to: self.servers[1]))
        _ = search.begin(after: self.lost(1, .unreachable))
        for (sentinel, server) in zip(self.sentinels, named).dropLast() {
            #expect(search.answered(sentinel, self.names(server)) != .found(self.servers[0]))
        }
        #expect(search.answered(self.sentinels[2], self.names(named[2])) == .found(self.servers[1]))
    }

    @Test func `A notice ends a search, and a late answer changes nothing`() {
        var search = SentinelSearch(self.sentinels)
        #expect(search.begin(after: nil) == .ask(self.sentinels[0]))
        #expect(search.noticed(MasterSwitch(from: self.servers[0], to: self.servers[1])) == .found(self.servers[1]))
        #expect(search.answered(self.sentinels[0], self.names(0)) == nil)
    }

    @Test(arguments: [
        ([SentinelFailure.unreachable, .unreachable, .unreachable], SentinelFailure.unreachable),
        ([.unreachable, .refused(code: "NOAUTH"), .unreachable], .refused(code: "NOAUTH")),
        ([.unknownMaster("m"), .refused(code: "NOAUTH"), .unreadable], .unknownMaster("m")),
        ([.unreadable, .insecure(.truncated), .unreachable], .unreadable),
        ([.unreachable, .insecure(.truncated), .unreachable], .insecure(.truncated)),
    ])
    func `When none helps, what tells most is the reason`(failures: [SentinelFailure], reason: SentinelFailure) {
        var search = SentinelSearch(self.sentinels)
        var action = search.begin(after: nil)
        for failure in failures {
            guard case .ask(let sentinel) = action else {
                Issue.record("\(String(describing: action))")
                return
            }
            action = search.answered(sentinel, .failure(failure))
        }
        #expect(action == .failed(reason))
    }

    @Test func `Sentinels are learned, within a bound, and those of the URL stay`() {
        var search = SentinelSearch([self.sentinels[0]])
        let others = (1...100).map { RedisEndpoint.Address.tcp(host: "x\($0)", port: 1) }
        _ = search.begin(after: nil)
        _ = search.answered(
            self.sentinels[0], .success(SentinelAnswer(master: self.servers[0], sentinels: others + self.sentinels)))
        #expect(search.sentinels == [self.sentinels[0]] + others.prefix(RedisLimits.sentinelsMax - 1))
        // Only what the newest answer names is kept.
        _ = search.begin(after: nil)
        _ = search.answered(
            self.sentinels[0], .success(SentinelAnswer(master: self.servers[0], sentinels: [self.sentinels[1]])))
        #expect(search.sentinels == Array(self.sentinels[0...1]))
        // One that is learned, and has answered, is asked first though no other names it any more.
        _ = search.begin(after: nil)
        _ = search.answered(self.sentinels[0], .failure(.unreachable))
        _ = search.answered(self.sentinels[1], .success(SentinelAnswer(master: self.servers[0])))
        #expect(search.sentinels == [self.sentinels[1], self.sentinels[0]])
    }

    @Test
    func `Several Sentinels are listened to, first those of the URL, and those that are learned where these are few`() {
        let others = (1...6).map { RedisEndpoint.Address.tcp(host: "x\($0)", port: 1) }
        for (configured, listened) in [
            ([self.sentinels[0]], [self.sentinels[0]] + others.prefix(2)), (self.sentinels, self.sentinels),
            (others, Array(others.prefix(5))),
        ] {
            var search = SentinelSearch(configured)
            #expect(search.listened == Array(configured.prefix(5)))
            _ = search.begin(after: nil)
            _ = search.answered(
                configured[0], .success(SentinelAnswer(master: self.servers[0], sentinels: others)))
            #expect(search.listened == listened)
        }
    }

    @Test func `Any search ends after each Sentinel was asked once, with a server that one of them names`() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            var search = SentinelSearch(self.sentinels)
            for _ in 0..<4 {
                if generator.chance(0.3) {
                    let pair = self.servers.shuffled(using: &generator)
                    _ = search.noticed(MasterSwitch(from: pair[0], to: pair[1]))
                }
                let loss = generator.chance(0.6) ? self.lost(Int.random(in: 0..<3, using: &generator)) : nil
                var (action, asked, named) = (
                    search.begin(after: loss), [RedisEndpoint.Address](), [RedisEndpoint.Address]()
                )
                while case .ask(let sentinel) = action {
                    asked.append(sentinel)
                    let server = Int.random(in: 0..<3, using: &generator)
                    if generator.chance(0.3) {
                        action = search.answered(sentinel, .failure(.unreachable))
                    } else {
                        named.append(self.servers[server])
                        action = search.answered(sentinel, self.names(server))
                    }
                }
                #expect(asked.count == Set(asked).count && Set(asked).isSubset(of: self.sentinels))
                if named.isEmpty { #expect(action == .failed(.unreachable)) }
                if case .found(let server) = action {
                    #expect(named.contains(server))
                    #expect(server != loss?.address || Set(asked).count == 3, "the others were not asked")
                }
            }
        }
    }
}
