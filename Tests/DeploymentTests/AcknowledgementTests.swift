import Foundation
import Glibc
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// Messages that connections acknowledge, with processes of their own.
    struct AcknowledgementTests {
        private static let headers =
            #"{"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "acknowledged"}"#

        /// One connection; notifications that came before an answer are kept.
        private final class Client {
            let socket: WebSocketClient
            private var frames: [[String: Any]] = []

            init(_ api: Deployment.Running) async throws {
                self.socket = try await WebSocketClient.connect(try #require(api.ready.websocket))
            }

            private func read() async throws -> [String: Any] {
                while true {
                    let frame = try #require(try await self.socket.next(), "the connection is over")
                    guard frame.opcode == 1 else { continue }
                    return try #require(
                        try JSONSerialization.jsonObject(with: Data(frame.text.utf8)) as? [String: Any], "\(frame.text)"
                    )
                }
            }

            /// - Returns: The status and the body.
            func call(_ action: String, _ body: String) async throws -> (status: Int?, body: [String: Any]) {
                try await self.socket.send(
                    text: #"{"action": "\#(action)", "headers": \#(AcknowledgementTests.headers), "body": \#(body)}"#)
                while true {
                    let document = try await self.read()
                    guard document["request"] != nil else {
                        self.frames.append(document)
                        continue
                    }
                    return (
                        (document["headers"] as? [String: Any])?["status"] as? Int,
                        document["body"] as? [String: Any] ?? [:]
                    )
                }
            }

            func subscribe(_ options: String, ttl: Int = 600) async throws -> (status: Int?, id: String) {
                let answer = try await self.call(
                    "subscription_create", #"{"queue_name": "jobs", "ttl": \#(ttl), "options": \#(options)}"#)
                return (answer.status, try #require(answer.body["subscription_id"] as? String, "\(answer)"))
            }

            func post(_ bodies: ClosedRange<Int>) async throws {
                let messages = bodies.map { #"{"body": \#($0), "ttl": 600}"# }.joined(separator: ", ")
                let answer = try await self.call("message_post", #"{"queue_name": "jobs", "messages": [\#(messages)]}"#)
                #expect(answer.status == 201)
            }

            func next() async throws -> [String: Any] {
                self.frames.isEmpty ? try await self.read() : self.frames.removeFirst()
            }

            /// The next message: its body and its delivery.
            func message() async throws -> (body: Int, delivery: String, attempt: Int) {
                let frame = try await self.next()
                return (
                    try #require(frame["body"] as? Int, "\(frame)"), try #require(frame["delivery_id"] as? String),
                    try #require(frame["attempt"] as? Int)
                )
            }

            /// - Returns: How many waited for it.
            @discardableResult
            func settle(_ action: String, _ deliveries: [String], _ more: String = "") async throws -> Int? {
                let ids = deliveries.map { "\"\($0)\"" }.joined(separator: ", ")
                let answer = try await self.call(
                    "notification_\(action)", #"{"queue_name": "jobs", "delivery_ids": [\#(ids)]\#(more)}"#)
                #expect(answer.status == 200, "\(answer)")
                return answer.body["settled"] as? Int
            }
        }

        /// How many attempts of a subscription succeeded, and how many failed.
        private func attempts(_ api: Deployment.Running, _ subscription: String) async throws -> (Int, Int) {
            let reply = try await HTTPCaller(api.address).send(
                "GET", "/v2/queues/jobs/subscriptions/\(subscription)/health",
                headers: [
                    ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", "acknowledged"),
                ])
            let document = try JSONSerialization.jsonObject(with: Data(reply.text.utf8)) as? [String: Any]
            let attempts = document?["attempts"] as? [String: Any]
            return (attempts?["succeeded"] as? Int ?? -1, attempts?["failed"] as? Int ?? -1)
        }

        @Test func `The page about WebSocket shows what happens`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                _ = try await deployment.startNotifier()
                let client = try await Client(api)
                var delivery = ""
                for line in try DocumentedFrames.blocks(of: "delivered").flatMap({ $0.split(separator: "\n") }) {
                    let text = line.dropFirst(2)
                    if line.hasPrefix("→ ") {
                        try await client.socket.send(text: String(text.replacing("<delivery>", with: delivery)))
                        continue
                    }
                    let frame = try await client.next()
                    delivery = frame["delivery_id"] as? String ?? delivery
                    let shown = try JSONSerialization.jsonObject(
                        with: Data(text.replacing("<delivery>", with: delivery).utf8))
                    #expect(DocumentedFrames.matches(frame, shown), "\(text)\n\(frame)")
                }
                #expect(!delivery.isEmpty)
            }
        }

        @Test func `A message is delivered once it is acknowledged, and no more than the window are sent before`()
            async throws
        {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                _ = try await deployment.startNotifier()
                let client = try await Client(api)
                let (status, id) = try await client.subscribe(#"{"_ack": true, "_window": 2}"#)
                #expect(status == 201)
                try await client.post(1...5)
                let frame = try await client.next()
                #expect(
                    Set(frame.keys) == [
                        "body", "ttl", "queue_name", "Message_Type", "id", "subscription_id", "delivery_id", "attempt",
                    ])
                #expect(frame["subscription_id"] as? String == id && frame["attempt"] as? Int == 1)
                let first = try #require(frame["delivery_id"] as? String)
                let second = try await client.message()
                // What a third would overtake: an answer to a later request.
                #expect(try await client.call("queue_get_stats", #"{"queue_name": "jobs"}"#).status == 200)
                #expect(try await self.attempts(api, id) == (0, 0))
                #expect(try await client.settle("ack", [first, second.delivery, "none"]) == 2)
                #expect(try await client.settle("ack", [first]) == 0)
                var left: [Int] = []
                for _ in 3...5 {
                    let message = try await client.message()
                    left.append(message.body)
                    try await client.settle("ack", [message.delivery])
                }
                #expect(left.sorted() == [3, 4, 5])
                let areDelivered = try await eventually { try await self.attempts(api, id) == (5, 0) ? true : nil }
                #expect(areDelivered == true)
                // A second connection cannot settle what the first one has.
                let other = try await Client(api)
                try await client.post(6...6)
                let sixth = try await client.message()
                #expect(try await other.settle("ack", [sixth.delivery]) == 0)
                #expect(try await client.settle("ack", [sixth.delivery]) == 1)
            }
        }

        @Test func `What is not acknowledged in time, or is rejected, comes again with the same id`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                _ = try await deployment.startNotifier()
                let client = try await Client(api)
                let policy =
                    #""_retry_policy": {"retries_with_no_delay": 9, "minimum_delay_retries": 0, "maximum_delay_retries": 0}"#
                let (_, id) = try await client.subscribe(#"{"_ack": true, "_ack_timeout": 1, \#(policy)}"#)
                try await client.post(1...1)
                let first = try await client.message()
                let second = try await client.message()
                #expect(first.delivery == second.delivery && (first.attempt, second.attempt) == (1, 2))
                #expect(try await client.settle("reject", [second.delivery]) == 1)
                let third = try await client.message()
                #expect(third.delivery == first.delivery && third.attempt == 3)
                #expect(try await client.settle("reject", [third.delivery], #", "delay": 1"#) == 1)
                let fourth = try await client.message()
                #expect(fourth.attempt == 4)
                #expect(try await client.settle("ack", [fourth.delivery]) == 1)
                let areCounted = try await eventually { try await self.attempts(api, id) == (1, 3) ? true : nil }
                #expect(areCounted == true)
                for bad in [
                    #"{"queue_name": "jobs", "delivery_ids": []}"#, #"{"queue_name": "jobs", "delivery_ids": [1]}"#,
                    #"{"queue_name": "jobs", "delivery_ids": ["a"], "delay": -1}"#,
                    #"{"queue_name": "jobs", "delivery_ids": ["a"], "delay": 3601}"#,
                ] { #expect(try await client.call("notification_reject", bad).status == 400, "\(bad)") }
            }
        }

        @Test func `A named subscription outlives its connection, and the next one of the name gets what is left`()
            async throws
        {
            try await withDeployment { deployment in
                let (one, two) = (try await deployment.startAPI(), try await deployment.startAPI())
                let notifier = try await deployment.startNotifier()
                let options = #"{"_ack": true, "_name": "worker", "_window": 8}"#
                let first = try await Client(one)
                let (status, id) = try await first.subscribe(options)
                #expect(status == 201)
                #expect(
                    try await first.call("subscription_create", #"{"queue_name": "jobs", "options": \#(options)}"#)
                        .status == 409)
                try await first.post(1...3)
                var seen: [Int: String] = [:]
                for _ in 1...3 {
                    let message = try await first.message()
                    seen[message.body] = message.delivery
                }
                #expect(try await first.settle("ack", [try #require(seen[1])]) == 1)
                await first.socket.close()
                // While no connection has the name its messages wait.
                let poster = try await Client(one)
                try await poster.post(4...4)
                let second = try await Client(two)
                let resumed = try await second.subscribe(options)
                #expect(resumed.status == 200 && resumed.id == id)
                var left: [Int] = []
                for _ in 1...3 {
                    let message = try await second.message()
                    left.append(message.body)
                    if message.body != 4 { #expect(message.delivery == seen[message.body]) }
                    try await second.settle("ack", [message.delivery])
                }
                #expect(left.sorted() == [2, 3, 4])
                // A third connection takes the name, which detaches the second.
                try await poster.post(5...5)
                let fifth = try await second.message()
                let third = try await Client(one)
                #expect(try await third.subscribe(options).status == 200)
                let detached = try await second.next()
                #expect(detached["detached"] as? Bool == true && detached["subscription_id"] as? String == id)
                let again = try await third.message()
                #expect(again.body == 5 && again.delivery == fifth.delivery)
                #expect(try await second.settle("ack", [fifth.delivery]) == 0)
                #expect(try await third.settle("ack", [again.delivery]) == 1)
                // A notifier that stops hands over at once, and what the client has already is not sent again.
                try await poster.post(6...6)
                let sixth = try await third.message()
                _ = try await deployment.startNotifier()
                notifier.process.signal(SIGTERM)
                #expect(await notifier.process.waitForExit(within: .seconds(15)) == .status(0))
                try await poster.post(7...7)
                let seventh = try await third.message()
                #expect(seventh.body == 7)
                #expect(try await third.settle("ack", [sixth.delivery, seventh.delivery]) == 2)
                let areDelivered = try await eventually { try await self.attempts(two, id) == (7, 0) ? true : nil }
                #expect(areDelivered == true)
            }
        }

        @Test func `What a connection of a killed node had not acknowledged goes to the next one of its name`()
            async throws
        {
            try await withDeployment { deployment in
                let (one, two) = (try await deployment.startAPI(), try await deployment.startAPI())
                _ = try await deployment.startNotifier()
                let options = #"{"_ack": true, "_name": "worker", "_ack_timeout": 60}"#
                let first = try await Client(one)
                let (_, id) = try await first.subscribe(options)
                try await first.post(1...2)
                var seen: [Int] = []
                for _ in 1...2 { seen.append(try await first.message().body) }
                one.process.signal(SIGKILL)
                _ = await one.process.waitForExit(within: .seconds(30))
                let second = try await Client(two)
                #expect(try await second.subscribe(options).id == id)
                var left: [Int] = []
                // The node counts as living for 15 s.
                for _ in 1...2 {
                    let message = try await second.message()
                    left.append(message.body)
                    try await second.settle("ack", [message.delivery])
                }
                #expect(left.sorted() == seen.sorted())
            }
        }
    }
}
