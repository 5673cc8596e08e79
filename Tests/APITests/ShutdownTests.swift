import API
import NIOCore
import Operations
import Redis
import TestKit
import Testing

struct ShutdownTests {
    @Test func `A stop lets the request under way finish, and closes connections without one`() async throws {
        try await withAPI { api async throws in
            let idle = api.client()
            #expect(try await idle.get("/v2/ping").status == 204)
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            try await api.redis.command("CLIENT", "PAUSE", "60000", "WRITE")
            async let posting = client.post("/v2/queues/q/messages", #"{"messages":[{"body":1}]}"#)
            // Redis holds writes back.
            let isUnderWay = try await eventually { api.admission.busyProjects > 0 ? true : nil }
            #expect(isUnderWay == true)
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
            try await api.redis.command("CLIENT", "UNPAUSE")
            let posted = try await posting
            #expect(posted.status == 201 && posted["Connection"] == "close")
            await #expect(throws: (any Error).self) { try await idle.get("/v2/ping") }
        }
    }
}
