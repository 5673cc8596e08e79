import Domain
import Foundation
import Signing
import Store
import TestKit
import Testing

/// What every notifier of the Messaging API does, by the numbers of its tests.
struct ContractTests {
    private func object(_ request: ReceivedRequest) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? NSDictionary)
    }

    @Test func `T-1, T-8: every message goes to every subscriber once, alone, and with nothing but its own fields`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let paths = ["/1", "/2", "/3"]
                for path in paths { try await deployment.subscribe(receiver.url(path)) }
                try await deployment.withNotifier {
                    try await deployment.post(#"{"event": "BackupStarted"}"#, ttl: 300)
                    try await deployment.post(#"{"backup_id": "c378813c"}"#)
                    try await receiver.waitFor(count: 6)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 6)
                let ends: NSDictionary = ["queue_name": "orders", "Message_Type": "Notification"]
                var first = try #require(ends as? [String: AnyHashable])
                var second = first
                (first["body"], first["ttl"]) = (["event": "BackupStarted"], 300)
                // What a post leaves out is filled in when it is stored.
                (second["body"], second["ttl"]) = (["backup_id": "c378813c"], 3600)
                for path in paths {
                    let requests = receiver.requests(at: path).sorted { $0.text < $1.text }
                    #expect(try requests.map(self.object) == [second as NSDictionary, first as NSDictionary])
                    for request in requests {
                        #expect(request["content-type"] == "application/json")
                        let own = request.headers.map(\.name).filter {
                            !$0.hasPrefix("webhook-") && !$0.hasPrefix("herald-")
                        }
                        #expect(own.sorted() == ["accept", "content-length", "content-type", "host", "user-agent"])
                    }
                }
            }
        }
    }

    @Test func `T-2: the template of a subscription holds the message where its token stood`() async throws {
        let template = #"{\"foo\":\"bar\",\"egg\":\"$zaqar_message$\"}"#
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url(), options: #"{"post_data": "\#(template)"}"#)
                try await deployment.withNotifier {
                    try await deployment.post(#"{"event": "$zaqar_message$"}"#, #"["$zaqar_message$"]"#, ttl: 300)
                    try await receiver.waitFor(count: 2)
                    #expect(try await deployment.isSettled())
                }
                let end = #""ttl":300,"queue_name":"orders","Message_Type":"Notification"}}"#
                #expect(
                    Set(receiver.requests.map(\.text)) == [
                        #"{"foo":"bar","egg":{"body":{"event": "$zaqar_message$"},"# + end,
                        #"{"foo":"bar","egg":{"body":["$zaqar_message$"],"# + end,
                    ])
                for request in receiver.requests {
                    #expect(request["content-type"] == "application/json")
                    let (webhook, timestamp) = (
                        request["webhook-id"], request["webhook-timestamp"].flatMap { Int64($0) }
                    )
                    #expect(
                        request["webhook-signature"]
                            == deployment.secret(of: id).signature(
                                id: try #require(webhook), timestamp: try #require(timestamp), body: request.body))
                }
            }
        }
    }

    @Test func `T-3: subscribers beyond the first page are reached`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<250 { group.addTask { try await deployment.subscribe(receiver.url("/\(index)")) } }
                    try await group.waitForAll()
                }
                try await deployment.withNotifier {
                    try await deployment.post("1", "2")
                    try await receiver.waitFor(count: 500)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 500 && Set(receiver.requests.map { $0.path + $0.text }).count == 500)
            }
        }
    }

    @Test func `T-5: without a subscriber nothing is sent`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let gone = try await deployment.subscribe(receiver.url())
                try await deployment.store.subscriptions.delete(deployment.queue, id: gone)
                try await deployment.withNotifier {
                    let ids = try await deployment.post("1", "2")
                    #expect(ids.count == 2)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.connections == 0)
            }
        }
    }
}
