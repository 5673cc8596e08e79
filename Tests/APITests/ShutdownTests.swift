import API
import NIOCore
import TestKit
import Testing

struct ShutdownTests {
    @Test func `A stop lets the request under way finish, and closes connections without one`() async throws {
        try await withAPI { api async throws in
            let idle = api.client()
            #expect(try await idle.get("/v2/ping").status == 204)
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            api.redis.pause()
            async let posting = client.post("/v2/queues/q/messages", #"{"messages":[{"body":1}]}"#)
            // Redis stands still, so the request is under way as soon as the connection has taken it.
            try await Task.sleep(for: .milliseconds(300))
            await api.stop()
            let refused: Bool? = try await eventually {
                do {
                    _ = try await HTTPCaller(api.address).send("GET", "/", within: .seconds(1))
                    return nil
                } catch {
                    return true
                }
            }
            #expect(refused == true)
            api.redis.resume()
            let posted = try await posting
            #expect(posted.status == 201 && posted["Connection"] == "close")
            await #expect(throws: (any Error).self) { try await idle.get("/v2/ping") }
        }
    }
}
