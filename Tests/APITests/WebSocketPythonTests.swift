import API
import Foundation
import TestKit
import Testing

/// PyPI's `websockets` and `msgpack` as a client: another program's reading of the protocol.
struct WebSocketPythonTests {
    private static let program = """
        import asyncio, json, sys, msgpack, websockets
        HEADERS = {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "python"}

        async def call(socket, action, body, binary=False):
            request = {"action": action, "headers": HEADERS, "body": body}
            await socket.send(msgpack.packb(request) if binary else json.dumps(request))
            answer = await socket.recv()
            assert isinstance(answer, bytes) == binary, answer
            answer = msgpack.unpackb(answer) if binary else json.loads(answer)
            assert answer["request"] == {"action": action, "body": body, "headers": HEADERS, "api": "v2"}, answer
            return answer["headers"]["status"], answer["body"]

        async def main(address):
            for url in ["ws://%s/" % address, "ws://%s/any/path?x=1" % address]:
                async with websockets.connect(url, subprotocols=["chat"], origin="https://page.example") as socket:
                    assert socket.subprotocol is None
                    assert not socket.protocol.extensions, "compression was not asked for by the server"
                    await (await socket.ping("payload"))
                    for binary in [False, True]:
                        posted = await call(socket, "message_post", {"queue_name": "q", "messages": [
                            {"body": {"text": "gr\\u00fc\\u00df \\U0001F600", "number": 1.5, "list": [None, True, -7]}, "ttl": 300},
                            {"body": "x" * 100000, "ttl": 300}]}, binary)
                        assert posted[0] == 201 and len(posted[1]["message_ids"]) == 2, posted
                        status, body = await call(socket, "message_delete_many", {"queue_name": "q", "pop": 2}, binary)
                        assert status == 200, body
                        assert body["messages"][0]["body"] == {"text": "gr\\u00fc\\u00df \\U0001F600", "number": 1.5, "list": [None, True, -7]}
                        assert body["messages"][1]["body"] == "x" * 100000
                        assert (await call(socket, "queue_list", {}, binary)) == (200, {"queues": [{"name": "q"}]})
                    # A message in fragments.
                    await socket.send(iter(["{\\"action\\": \\"queue_list\\", ", "\\"headers\\": ", json.dumps(HEADERS), "}"]))
                    assert json.loads(await socket.recv())["headers"]["status"] == 200
            async with websockets.connect("ws://%s/" % address, max_size=None) as socket:
                await socket.send("x" * 2000000)
                try:
                    await socket.recv()
                    raise AssertionError("a message beyond the bound was answered")
                except websockets.ConnectionClosed as error:
                    assert error.rcvd.code == 1009, error
            print("done")

        asyncio.run(main(sys.argv[1]))
        """

    @Test func `Python's websockets connects, pings, asks in both formats and in fragments, and closes`() async throws {
        try await withAPI { api async throws in
            let run = try await Python.run { _ in ["-c", Self.program, api.socketAddress] }
            #expect(run.exit == .status(0) && run.output.hasSuffix("done\n"), "\(run.output)")
            let isEmpty = try await eventually { api.sessions.count == 0 ? true : nil }
            #expect(isEmpty == true)
        }
    }
}
