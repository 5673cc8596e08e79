import Domain
import Placement
import Redis
import Store
import Testing

/// What is decided without any I/O.
struct PoolValueTests {
    @Test func `A-38: the weighted choice`() {
        func choose(_ weights: [Int], _ selector: Int) -> Int? {
            WeightedChoice.element(of: Array(weights.indices), weight: { weights[$0] }, selector: selector)
        }
        #expect(choose([], 0) == nil && choose([0, 0], 0) == nil)
        #expect(choose([5, 3, 2], 0) == 0 && choose([5, 3, 2], 9) == 2 && choose([5, 3, 2], 10) == nil)
        #expect((0..<3).map { choose([1, 1, 1], $0) } == [0, 1, 2])
        #expect((0..<4).allSatisfy { choose([0, 2, 0, 2, 0], $0).map { $0 % 2 == 1 } ?? false })
        let none = WeightedChoice.draw(from: [0, 0], weight: { $0 }, using: { $0.lowerBound })
        let heavy = Int(UInt32.max)
        let last = WeightedChoice.draw(from: [heavy, heavy, 1], weight: { $0 }, using: { $0.upperBound - 1 })
        #expect(none == nil && last == 1)
    }

    private func pool(_ name: String, label: String? = nil) throws -> StoragePool {
        StoragePool(
            name: try PoolName(name), uri: "redis://\(name)", weight: 1, label: label, options: [],
            capabilities: .redis)
    }

    @Test func `Queues without a flavor leave pools that have one alone, while there are others`() throws {
        let (plain, gold) = (try self.pool("a"), try self.pool("b", label: "gold"))
        let both = PoolSnapshot(pools: [plain, gold])
        #expect(both.candidates(for: nil) == [plain])
        #expect(try both.candidates(for: FlavorName("gold")) == [gold])
        #expect(PoolSnapshot(pools: [gold]).candidates(for: nil) == [gold])
        #expect(try both.candidates(for: FlavorName("silver")).isEmpty)
    }

    @Test func `The last pool of a flavor stays, whichever project has the flavor`() throws {
        let flavor = FlavorAddress(project: try ProjectID("p"), name: try FlavorName("gold"))
        var snapshot = PoolSnapshot(pools: [try self.pool("a", label: "gold")])
        #expect(try snapshot.removing(PoolName("a")).count == 1)
        snapshot.flavors[flavor] = Flavor(capabilities: .redis)
        #expect(throws: Refusal.self) { try snapshot.removing(PoolName("a")) }
        snapshot.pools.append(try self.pool("b", label: "gold"))
        #expect(try snapshot.removing(PoolName("a")).count == 1)
        #expect(try snapshot.removing(PoolName("none")).isEmpty)
    }

    @Test(arguments: [
        ("redis://h", "redis://h:6379/0"), ("redis://h:1/7", "redis://h:1/0"), ("redis://h:1/x?y=1", "redis://h:1/0"),
        ("redis://h?dbid=9&t=x", "redis://h:6379/9"), ("REDIS://u:p@h:2", "redis://u:***@h:2/0"),
        ("redis://:p@[::1]:2", "redis://***@[::1]:2/0"), ("redis://:p@/s/r.sock?dbid=3", "unix://***@/s/r.sock?db=3"),
        ("unix:///s/r.sock", "unix:///s/r.sock"), ("unix:/s/r.sock?db=2", "unix:///s/r.sock?db=2"),
    ])
    func `A URI leads where the contract says`(text: String, endpoint: String) throws {
        #expect(try RedisURL(text, as: .pool).description == endpoint)
    }

    @Test(arguments: [
        ("localhost:27017", InvalidRedisURL.unknownScheme), ("redis", .noScheme), ("redis:h", .noScheme),
        ("mongodb://h", .unknownScheme), ("redis://", .noHost),
        ("redis://a,b:2", .severalHosts),
        ("redis://p@h", .passwordWithoutColon), ("redis://u:@h", .userWithoutPassword), ("unix://h/s", .hostInUnixURL),
        ("redis://h?dbid=x", .invalidDatabase), ("redis://h?dbid=1&dbid=2", .databaseTwice),
        ("redis://h?socket_timeout=0", .invalidTimeout), ("redis://h:99999", .invalidPort),
    ])
    func `A text that leads nowhere says why`(text: String, reason: InvalidRedisURL) {
        #expect(throws: reason) { try RedisURL(text, as: .pool) }
    }

    @Test func `The time for one command is read`() throws {
        #expect(try RedisURL("redis://h?socket_timeout=0.5", as: .pool).deadline == .milliseconds(500))
    }

    @Test func `Pools of one database are one link, and the default store may be one of them`() throws {
        func pool(_ name: String, _ uri: String) throws -> StoragePool {
            StoragePool(
                name: try PoolName(name), uri: uri, weight: 1, label: nil, options: [], capabilities: .redis)
        }
        let snapshot = PoolSnapshot(
            version: PoolVersion(3),
            pools: [try pool("a", "redis://x"), try pool("b", "redis://h/1"), try pool("c", "redis://x/0?t=2")])
        let endpoints = PoolEndpoints(snapshot, default: try RedisURL("redis://h", as: .pool)).endpoints
        #expect(endpoints.map(\.pools) == [[nil, try PoolName("b")], [try PoolName("a"), try PoolName("c")]])
        #expect(endpoints.map(\.isDefault) == [true, false])
    }
}
