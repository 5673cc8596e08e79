import Domain
import Redis
import Store
import Testing

struct ShardTests {
    @Test func `The tags of sixteen shards are the ones that stored data lies under`() {
        let tags = Shards(count: 16).tags
        #expect(
            tags == [
                "s001q", "s01ty", "s023q", "s032q", "s045q", "s054q", "s067q", "s076q", "s089q", "s098q", "s10ps",
                "s11qs", "s12cq", "s13bq", "s14ts", "s15us",
            ])
        #expect(
            tags.map { Int(KeySlot(ofTag: $0).number) } == [
                522, 1547, 2568, 3593, 4622, 5647, 6668, 7693, 8706, 9731, 10753, 11776, 12803, 13826, 14853, 15876,
            ])
    }

    @Test(arguments: [(16, 15), (64, 24)])
    func `Tags lie near the middle of their part of the slots`(count: Int, distanceMax: Int) {
        let distances = Shards(count: count).tags.enumerated().map { index, tag in
            abs(Int(KeySlot(ofTag: tag).number) - Shards.slotTarget(of: index, count: count))
        }
        #expect(distances.max() == distanceMax)
    }

    @Test(arguments: [(2, [8, 8]), (3, [5, 6, 5]), (4, [4, 4, 4, 4]), (8, [2, 2, 2, 2, 2, 2, 2, 2])])
    func `Sixteen shards fall evenly on the nodes of a cluster`(nodes: Int, shares: [Int]) {
        var counts = [Int](repeating: 0, count: nodes)
        for tag in Shards(count: 16).tags { counts[Int(KeySlot(ofTag: tag).number) * nodes / 16384] += 1 }
        #expect(counts == shares)
    }

    @Test(arguments: [1, 2, 7, 100, 101, 200, 256])
    func `No two shards share a tag`(count: Int) {
        #expect(Set(Shards(count: count).tags).count == count)
    }

    @Test(arguments: [
        ("p", "q", 4), ("pr.oj", "a.b", 3), ("tenant:1", "orders", 12), ("über", "x", 1),
    ])
    func `A queue stays in its shard for ever`(project: String, name: String, shard: Int) throws {
        #expect(Shards(count: 16).shard(of: try address(project, name)) == shard)
    }

    @Test func `Queues spread over all shards alike`() throws {
        let shards = Shards(count: 16)
        var counts = [Int](repeating: 0, count: 16)
        for number in 0..<16_000 { counts[shards.shard(of: try address("p\(number % 7)", "q\(number)"))] += 1 }
        #expect(counts.allSatisfy { (850...1150).contains($0) })
    }
}
