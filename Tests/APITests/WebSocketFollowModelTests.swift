import Foundation
import TestKit
import Testing

/// A client that follows a queue over connections to two nodes, while messages come and are taken, the queue is made anew, and
/// its connection ends again and again.
struct WebSocketFollowModelTests {
    /// What the client knows: the last place it read, and what has to come next.
    private struct Reader {
        /// nil while it has no connection.
        var client: ActionClient?
        var place: String
        /// The number it comes to next.
        var next = 1
        /// Which of the queues that had the name it reads; nil: the next message says.
        var life: Int?

        /// Checks a frame, and notes its place.
        mutating func take(_ frame: ActionReply, _ at: Comment) throws {
            let document = frame.document
            if let gap = document["gap"] as? [String: Int] {
                #expect(gap["from"] == self.next, at)
                self.next = try #require(gap["to"]) + 1
            } else if document["restart"] != nil {
                (self.next, self.life) = (1, nil)
            } else {
                let body = try #require(document["body"] as? [Int], "\(frame.text)")
                #expect(document["sequence"] as? Int == self.next && body[1] == self.next, at)
                // One that has passed nothing of the queue that was deleted takes the new one for the same.
                if self.next == 1 { self.life = body[0] }
                #expect(self.life == nil || self.life == body[0], at)
                self.life = body[0]
                self.next += 1
            }
            self.place = try #require(document["place"] as? String)
        }
    }

    @Test(arguments: [UInt64](1...4))
    func `Every number of a queue is delivered or reported as missing, once and in order`(seed: UInt64) async throws {
        try await withRedis { redis in
            try await withAPI(redis: redis) { one async throws in
                try await withAPI(redis: redis) { two async throws in
                    try await self.run([one, two], seed)
                }
            }
        }
    }

    private func run(_ nodes: [RunningAPI], _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let writer = nodes[0].client()
        let opened = try await nodes[0].actions(project: writer.project)
        var reader = Reader(client: opened, place: try await opened.follow("q", from: "now").place)
        var (life, posted) = (0, 0)
        for step in 0..<250 {
            let at: Comment = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<40:
                let bodies = (1...Int.random(in: 1...30, using: &random)).map { "[\(life), \(posted + $0)]" }
                #expect(try await writer.postMessages(bodies, to: "q").count == bodies.count)
                posted += bodies.count
            case 40..<55:
                let count = random.pick([1, 5, 20])
                #expect(try await writer.delete("/v2/queues/q/messages?pop=\(count)").status == 200)
            case 55..<57: #expect(try await writer.post("/v2/queues/q/purge", nil).status == 204)
            case 57..<59:
                #expect(try await writer.delete("/v2/queues/q").status == 204)
                (life, posted) = (life + 1, 0)
            case 59..<70:
                // What it was sent and has not read is lost with the connection.
                await reader.client?.socket.close()
                reader.client = nil
            default:
                if reader.client == nil, random.chance(0.4) {
                    let node = random.pick(nodes)
                    reader.client = try await self.resumed(reader, node, writer, isBinary: random.chance(0.5))
                }
                guard let client = reader.client else { continue }
                for _ in 0..<min(client.socket.waiting, random.pick([1, 10, 100])) {
                    try reader.take(try await client.reply(), at)
                }
            }
        }
        // In the end it has come past everything.
        #expect(try await writer.postMessages(["[\(life), \(posted + 1)]"], to: "q").count == 1)
        var last = reader.client
        if last == nil { last = try await self.resumed(reader, nodes[1], writer, isBinary: false) }
        let client = try #require(last)
        while reader.life != life || reader.next != posted + 2 {
            try reader.take(try await client.reply(), "seed \(seed), end")
        }
    }

    private func resumed(
        _ reader: Reader, _ node: RunningAPI, _ writer: APIClient, isBinary: Bool
    ) async throws -> ActionClient {
        let client = try await node.actions(project: writer.project, isBinary: isBinary)
        #expect(try await client.follow("q", from: reader.place).place == reader.place)
        return client
    }
}
