import Documents
import Domain
import Foundation
import Notifier
import Signing
import Store
import TestKit
import Testing

/// What webhooks hold by the option `_format`; the package `cloudevents` from PyPI reads the events.
struct FormatTests {
    /// Prints what the package reads from a request: attributes, and the data as JSON.
    private static let program = """
        import json, sys
        from cloudevents.core.bindings.http import HTTPMessage, from_http_event
        given = json.loads(sys.argv[1])
        event = from_http_event(HTTPMessage(headers=given["headers"], body=given["body"].encode()))
        names = ("specversion", "id", "source", "type", "datacontenttype", "subject")
        attributes = {name: event.get_attributes().get(name) for name in names}
        time = event.get_time()
        data = event.get_data()
        print(json.dumps({
            "attributes": attributes, "time": None if time is None else round(time.timestamp() * 1000),
            "data": json.dumps(json.loads(data) if isinstance(data, (bytes, str)) else data, sort_keys=True)}))
        """

    private struct Question: Encodable {
        let body: String
        let headers: [String: String]
    }

    private struct Event: Decodable {
        let attributes: [String: String?]
        /// Milliseconds since the epoch.
        let time: Int64?
        let data: String
    }

    private static func event(of request: ReceivedRequest) async throws -> Event {
        let headers = Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let question = try JSONEncoder().encode(Question(body: request.text, headers: headers))
        let run = try await Python.run { _ in ["-c", self.program, String(decoding: question, as: UTF8.self)] }
        try #require(run.exit == .status(0), "\(run.output)")
        return try JSONDecoder().decode(Event.self, from: Data(run.output.utf8))
    }

    /// As it is sent: the package fills in the time of its own clock where there is none.
    private static func saysTime(_ request: ReceivedRequest) -> Bool {
        request["ce-time"] != nil || request.text.contains(#""time":"#)
    }

    private static let modes = [
        ("cloudevents", "application/cloudevents+json; charset=UTF-8"), ("cloudevents-binary", "application/json"),
    ]

    @Test(arguments: [#""größer ∑""#, #"{ "b" : 1e3, "a":[ ]}"#, "0", "null"])
    func `A raw webhook is the body as it was posted, signed, with its queue in a header`(body: String) async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url(), options: #"{"_format": "raw"}"#)
                try await deployment.withNotifier {
                    let messages = try await deployment.post(body)
                    try await receiver.waitFor(count: 1)
                    let request = try #require(receiver.requests.first)
                    #expect(request.text == body)
                    #expect(request["content-type"] == "application/json")
                    #expect(request["herald-queue"] == deployment.queue.name.text)
                    #expect(request["herald-message-id"] == messages.first?.text)
                    #expect(request["ce-id"] == nil)
                    let secret = deployment.secret(of: id).text
                    #expect(try await StandardWebhooksTests.judge(request, body: body, secret: secret) == "verified")
                }
            }
        }
    }

    @Test(arguments: Self.modes)
    func `A CloudEvent is read by another implementation, and has one id over its attempts`(
        format: String, contentType: String
    ) async throws {
        try await WebhookReceiver.with(answers: ["/": .sequence([.status(503), .status(200)])]) { receiver in
            try await withTestDeployment { deployment in
                let retry = #"{"retries_with_no_delay": 1}"#
                let id = try await deployment.subscribe(
                    receiver.url(), options: #"{"_format": "\#(format)", "_retry_policy": \#(retry)}"#)
                try await deployment.withNotifier {
                    let messages = try await deployment.post(#"{"n": 1, "text": "größer ∑"}"#)
                    try await receiver.waitFor(count: 2)
                    let message = try #require(messages.first)
                    for request in receiver.requests {
                        #expect(request["content-type"] == contentType)
                        #expect(request["herald-queue"] == deployment.queue.name.text)
                        #expect((request["ce-id"] != nil) == (format == "cloudevents-binary"))
                        let event = try await Self.event(of: request)
                        #expect(
                            event.attributes == [
                                "specversion": "1.0", "id": message.text, "type": "herald.message", "subject": nil,
                                "source": "/v2/queues/\(deployment.queue.name.text)",
                                "datacontenttype": "application/json",
                            ])
                        #expect(event.time == message.position.createdAt.milliseconds)
                        #expect(event.data == #"{"n": 1, "text": "gr\u00f6\u00dfer \u2211"}"#)
                        let secret = deployment.secret(of: id).text
                        #expect(
                            try await StandardWebhooksTests.judge(request, body: request.text, secret: secret)
                                == "verified")
                    }
                }
            }
        }
    }

    @Test(arguments: [10, 20_000])
    func `Each subscription has its own format of one message, small or large`(characters: Int) async throws {
        let body = #"{"text":"\#(String(repeating: "x", count: characters))"}"#
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                for format in DeliveryFormat.allCases {
                    try await deployment.subscribe(
                        receiver.url("/\(format.rawValue)"), options: #"{"_format": "\#(format.rawValue)"}"#)
                }
                try await deployment.withNotifier {
                    try await deployment.post(body)
                    try await receiver.waitFor(count: DeliveryFormat.allCases.count)
                }
                func text(_ format: DeliveryFormat) throws -> String {
                    try #require(receiver.requests(at: "/\(format.rawValue)").first).text
                }
                #expect(try text(.raw) == body && text(.cloudEventsBinary) == body)
                #expect(try text(.zaqar).hasPrefix(#"{"body":\#(body),"ttl":"#))
                #expect(try text(.cloudEvents).hasPrefix(#"{"specversion":"1.0","#))
                #expect(try text(.cloudEvents).hasSuffix(#""data":\#(body)}"#))
                let plain = try #require(receiver.requests(at: "/zaqar").first)
                #expect(plain["herald-queue"] == nil)
            }
        }
    }

    @Test func `A change of the format counts for the next message`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    for (number, format) in ["zaqar", "raw", "cloudevents", "zaqar"].enumerated() {
                        try await deployment.change(id, options: #"{"_format": "\#(format)"}"#)
                        try await deployment.post("17")
                        try await receiver.waitFor(count: number + 1)
                    }
                }
                let texts = receiver.requests.map(\.text)
                #expect(texts[0].hasPrefix(#"{"body":17,"#) && texts[1] == "17")
                #expect(texts[2].hasSuffix(#""data":17}"#) && texts[3] == texts[0])
            }
        }
    }

    @Test(arguments: ["raw", "cloudevents", "cloudevents-binary"])
    func `Tests and confirmations have the format of their subscription`(format: String) async throws {
        let isEvent = format != "raw"
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let queue = deployment.queue
                let id = try await deployment.subscribe(receiver.url(), options: #"{"_format": "\#(format)"}"#)
                let store = deployment.store.subscriptions
                let trial = NotificationPayload.encode(
                    body: Array(#"{"trial": 1}"#.utf8)[...], ttl: 60, delay: nil, queue: queue.name, kind: .test)
                let question = #"{"Message_Type":"SubscriptionConfirmation"}"#
                try await deployment.withNotifier {
                    _ = try await store.test(queue, id: id, document: trial, ttl: 60)
                    try await receiver.waitFor(count: 1)
                    let outcome = try await store.requestConfirmation(
                        queue, id: id,
                        ConfirmationRequest(
                            kind: .subscriptionConfirmation, subscriber: receiver.url(),
                            at: Timestamp(milliseconds: 0), ttl: 600, linkExpiry: 4_000_000_000,
                            document: Array(question.utf8)))
                    #expect(outcome == .requested)
                    try await receiver.waitFor(count: 2)
                }
                let test = try #require(receiver.requests.first)
                if isEvent {
                    let event = try await Self.event(of: test)
                    #expect(event.attributes["type"] == "herald.test" && !Self.saysTime(test))
                    #expect(event.attributes["id"] == test["webhook-id"])
                    #expect(event.data == #"{"trial": 1}"#)
                } else {
                    #expect(test.text == #"{"trial": 1}"#)
                }
                let asked = try #require(receiver.requests.last)
                #expect(asked["herald-message-type"] == "SubscriptionConfirmation")
                if isEvent {
                    let event = try await Self.event(of: asked)
                    #expect(event.attributes["type"] == "herald.subscription.confirmation" && !Self.saysTime(asked))
                    #expect(event.attributes["id"] == asked["webhook-id"])
                    #expect(event.data == #"{"Message_Type": "SubscriptionConfirmation"}"#)
                } else {
                    #expect(asked.text == question)
                }
            }
        }
    }
}
