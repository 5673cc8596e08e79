import Foundation
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// A trace goes with a message from its post to the endpoint.
    struct TraceTests {
        private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

        /// The headers that OpenStack's profiler adds to a request, and the ids it has chosen.
        private static func profiled() async throws -> (info: String, hmac: String, trace: String) {
            let program = """
                import uuid
                from osprofiler import profiler, web
                profiler.init("a-key", base_id=str(uuid.uuid4()), parent_id=str(uuid.uuid4()))
                headers = web.get_trace_id_headers()
                ids = profiler.get()
                print(headers["X-Trace-Info"].decode() if isinstance(headers["X-Trace-Info"], bytes) else headers["X-Trace-Info"])
                print(headers["X-Trace-HMAC"])
                print("00-%s-%016x-01" % (uuid.UUID(ids.get_base_id()).hex, uuid.UUID(ids.get_id()).int & (1 << 64) - 1))
                """
            let run = try await Python.run { folder in
                let file = folder.appendingPathComponent("profiled.py")
                try Data(program.utf8).write(to: file)
                return [file.path]
            }
            let lines = run.output.split(separator: "\n").map { String($0) }
            try #require(lines.count == 3 && run.exit == .status(0), "\(run.output)")
            return (lines[0], lines[1], lines[2])
        }

        @Test func `Webhooks have the trace of the request that posted their message`() async throws {
            try await withDeployment { deployment async throws in
                let api = try await deployment.startAPI()
                _ = try await deployment.startNotifier()
                try await WebhookReceiver.with { receiver in
                    let caller = HTTPCaller(api.address)
                    let queue = "/v2/queues/traced"
                    let subscription = #"{"subscriber": "\#(receiver.url("/"))", "ttl": 300}"#
                    #expect(
                        try await caller.send(
                            "POST", "\(queue)/subscriptions", headers: Load.headers, body: subscription
                        ).status == 201)
                    let profiled = try await Self.profiled()
                    let ways: [(headers: [(String, String)], trace: String?)] = [
                        ([("traceparent", Self.trace)], Self.trace),
                        ([("X-Trace-Info", profiled.info), ("X-Trace-HMAC", profiled.hmac)], profiled.trace),
                        ([("traceparent", Self.trace), ("X-Trace-Info", profiled.info)], Self.trace),
                        ([("traceparent", "00-nothing"), ("X-Trace-Info", "e30=")], nil),
                        ([], nil),
                    ]
                    for (number, way) in ways.enumerated() {
                        let posted = try await caller.send(
                            "POST", "\(queue)/messages", headers: Load.headers + way.headers,
                            body: #"{"messages": [{"body": \#(number)}]}"#)
                        #expect(posted.status == 201)
                        let received = try await receiver.waitFor(count: number + 1)
                        #expect(received[number]["traceparent"] == way.trace, "\(way)")
                    }
                    let socket = try await WebSocketClient.connect(try #require(api.ready.websocket))
                    let headers = Dictionary(Load.headers) { first, _ in first }
                    let named =
                        #""Client-ID": "\#(headers["Client-ID"] ?? "")", "X-Project-ID": "\#(headers["X-Project-Id"] ?? "")""#
                    try await socket.send(
                        text:
                            #"{"action": "message_post", "headers": {\#(named), "traceparent": "\#(Self.trace)"}, "#
                            + #""body": {"queue_name": "traced", "messages": [{"body": "socket", "ttl": 60}]}}"#)
                    let received = try await receiver.waitFor(count: ways.count + 1)
                    #expect(received[ways.count]["traceparent"] == Self.trace)
                }
            }
        }
    }
}
