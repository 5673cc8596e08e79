import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// What the API counts of requests, as `/metrics` shows it.
    struct RequestMetricsTests {
        @Test func `Requests that reach no endpoint are counted together, whatever their path and method`() async throws
        {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let caller = HTTPCaller(api.address)
                let client = ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c")
                let known = [client, ("X-Project-Id", "p")]
                for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "TRACE", "PURGE", "REPORT"] {
                    for path in [
                        "/", "/v2/ping", "/v2/queues", "/v2/queues/q/claims", "/v2/topics/t", "/v2/none", "/x",
                    ] {
                        _ = try await caller.send(method, path)
                    }
                    _ = try await caller.send(method, "/v2/queues/q/stats/", headers: known)
                    _ = try await caller.send(method, "/v2/queues/q/purge", headers: known, body: "[")
                }
                let metrics = try await HTTPCaller(try #require(api.ready.admin)).send("GET", "/metrics").text
                let counts = metrics.split(separator: "\n").filter {
                    $0.hasPrefix("http_server_request_duration_seconds_count")
                }
                let refused = counts.filter { $0.contains(#"route="unknown""#) }
                #expect(refused.count == 1 && refused.allSatisfy { $0.contains(#"status="4xx""#) }, "\(counts)")
                // The one open route, and a purge whose body cannot be read.
                #expect(counts.count == 3, "\(counts)")
            }
        }
    }
}
