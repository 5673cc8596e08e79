import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// What operators find in the log of a process.
    struct LogTests {
        private struct NoObject: Error {
            let line: String
        }

        @Test
        func `Every line is an object, the first says how the process is set up, and a request is found by its id`()
            async throws
        {
            let settings = [
                "HERALD_LOG_FORMAT": "json", "HERALD_LOG_REQUESTS": "all",
                "HERALD_SIGNED_URL_KEYS": "a-secret-of-some-length",
            ]
            try await withDeployment(settings: settings) { deployment async throws in
                let api = try await deployment.startAPI()
                let headers = Load.headers
                let listed = try await HTTPCaller(api.address).send("GET", "/v2/queues", headers: headers)
                let id = try #require(listed["X-OpenStack-Request-Id"])
                let lost = try await HTTPCaller(api.address).send("GET", "/v2/nowhere", headers: headers)
                let lostID = try #require(lost["X-OpenStack-Request-Id"])
                await api.process.stop()
                let file = deployment.redis.folder.appendingPathComponent("herald-api-1.log")
                let log = try String(contentsOf: file, encoding: .utf8)
                let lines = try log.split(separator: "\n").map { line throws in
                    guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
                    else {
                        throw NoObject(line: String(line))
                    }
                    return object
                }
                let start = try #require(lines.first { $0["message"] == "Starting" })
                let shown = try #require(start["settings"])
                #expect(shown.contains("log.format=json") && shown.contains("signed.url.keys=***"), "\(shown)")
                #expect(!log.contains("a-secret-of-some-length"))
                let found = try #require(lines.first { $0["request.id"] == id })
                #expect(found["call"] == "GET /v2/queues" && found["status"] == "200" && found["project.id"] != nil)
                let unknown = try #require(lines.first { $0["request.id"] == lostID })
                #expect(unknown["call"] == "unknown" && unknown["status"] == "404")
                #expect(lines.contains { $0["message"] == "Stopped" })
            }
        }
    }
}
