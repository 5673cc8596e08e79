import Domain
import Signing
import Testing

struct MessageTaggerTests {
    let tagger = MessageTagger(key: Array(0..<16))
    let position = Position(3_581_632_512_000_000)

    private func queue(_ project: String, _ name: String) throws -> QueueAddress {
        QueueAddress(project: try ProjectID(project), name: try QueueName(name))
    }

    @Test func `A tag makes an id that can be read back`() throws {
        let tag = self.tagger.tag(queue: try self.queue("p", "orders"), position: self.position)
        #expect(tag.count == MessageID.tagCharacters)
        let id = MessageID(position: self.position, tag: tag)
        #expect(MessageID(id.text) == id)
    }

    @Test func `The same deliveries have one id together, others another, and one alone has its own`() {
        let ids = ["a", "b", "c"].map { DeliveryID(text: $0) }
        let all = self.tagger.deliveryID(of: ids)
        #expect(all.text.hasPrefix("a-") && self.tagger.deliveryID(of: ids) == all)
        #expect(self.tagger.deliveryID(of: [ids[0]]) == ids[0])
        #expect(
            self.tagger.deliveryID(of: [ids[0], ids[2]]) != all && self.tagger.deliveryID(of: ids.dropLast()) != all)
        #expect(MessageTagger(key: Array(1..<17)).deliveryID(of: ids) != all)
    }

    @Test func `Queue, project, position and key each change the tag, and nothing else does`() throws {
        let orders = try self.queue("p", "orders")
        let tag = self.tagger.tag(queue: orders, position: self.position)
        #expect(self.tagger.tag(queue: orders, position: self.position) == tag)
        #expect(MessageTagger(key: Array(0..<16)).tag(queue: orders, position: self.position) == tag)
        let others = [
            self.tagger.tag(queue: orders, position: self.position.advanced(by: 1)),
            self.tagger.tag(queue: try self.queue("p", "order"), position: self.position),
            self.tagger.tag(queue: try self.queue("p:6", "orders"), position: self.position),
            MessageTagger(key: Array(1..<17)).tag(queue: orders, position: self.position),
        ]
        #expect(Set(others + [tag]).count == 5)
    }

    @Test func `A delivery id has 26 characters and follows its subscription and position`() throws {
        let first = try #require(SubscriptionID(String(repeating: "0", count: 27)))
        let second = try #require(SubscriptionID(String(repeating: "0", count: 26) + "1"))
        let id = self.tagger.deliveryID(subscription: first, position: self.position)
        #expect(id.text.utf8.count == 26)
        #expect(id == self.tagger.deliveryID(subscription: first, position: self.position))
        #expect(id != self.tagger.deliveryID(subscription: second, position: self.position))
        #expect(id != self.tagger.deliveryID(subscription: first, position: self.position.advanced(by: 1)))
    }

    @Test func `Many threads may tag at once`() async throws {
        let queue = try self.queue("p", "orders")
        let expected = (0..<200).map { self.tagger.tag(queue: queue, position: Position($0)) }
        await withTaskGroup(of: [[UInt8]].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<200).map { self.tagger.tag(queue: queue, position: Position($0)) } }
            }
            for await tags in group { #expect(tags == expected) }
        }
    }
}
