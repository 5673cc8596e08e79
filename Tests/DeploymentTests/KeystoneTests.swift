import Foundation
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// A whole API behind a Keystone.
    struct KeystoneTests {
        private func send(_ address: String, _ token: String?) async throws -> HTTPReply {
            let headers = [("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", "p")]
            return try await HTTPCaller(address).send(
                "GET", "/v2/queues", headers: headers + (token.map { [("X-Auth-Token", $0)] } ?? []))
        }

        @Test func `An API serves while Keystone is away, and says so`() async throws {
            let keystone = try await KeystoneServer.shared(by: Self.self)
            let own = [
                "HERALD_API_KEYSTONE_PUBLIC_URL": "https://identity.example", "HERALD_API_KEYSTONE_TIMEOUT": "5",
            ]
            try await withDeployment(settings: keystone.settings.merging(own) { $1 }) { deployment in
                let (member, reader) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
                await keystone.stop()
                let api = try await deployment.startAPI()
                let admin = HTTPCaller(try #require(api.ready.admin))
                #expect(try await admin.send("GET", "/readyz").status == 200)
                let refused = try await self.send(api.address, nil)
                #expect(refused.status == 401)
                #expect(refused["WWW-Authenticate"] == #"Keystone uri="https://identity.example""#)
                #expect(try await self.send(api.address, member).status == 503)
                let ready = try await admin.send("GET", "/readyz")
                #expect(ready.status == 200 && ready.text.contains("unreachable"), "\(ready)")
                try await keystone.restart()
                let isKnown = try await eventually {
                    try await self.send(api.address, member).status == 200 ? true : nil
                }
                #expect(isKnown == true)
                // A scaler can send one header.
                let stats = try await HTTPCaller(api.address).send(
                    "GET", "/v2/queues/q/stats", headers: [("X-Auth-Token", member)])
                #expect(stats.status == 200, "\(stats.text)")
                #expect(!(try await admin.send("GET", "/readyz").text.contains("unreachable")))
                await keystone.stop()
                #expect(try await self.send(api.address, member).status == 200)
                #expect(try await self.send(api.address, reader).status == 503)
                let metrics = try await admin.send("GET", "/metrics").text
                #expect(
                    metrics.contains(#"herald_keystone_validation_duration_seconds_count{result="valid"} 1"#),
                    "\(metrics)")
                #expect(metrics.contains("herald_keystone_cache_hits_total 2"))
                #expect(!deployment.logs.contains(member) && !deployment.logs.contains(KeystoneServer.password))
                try await keystone.restart()
            }
        }

        @Test func `Keystone's certificate is checked by the file of authorities`() async throws {
            let keystone = try await KeystoneServer.shared(by: Self.self)
            let secure = keystone.secure(.valid)
            let member = try await keystone.token(of: "member")
            for (file, status) in [(secure.authorities, 200), (nil, 503)] {
                var settings = keystone.settings
                settings["HERALD_API_KEYSTONE_URL"] = secure.url
                settings["HERALD_API_KEYSTONE_CA_FILE"] = file
                try await withDeployment(settings: settings) { deployment in
                    let api = try await deployment.startAPI()
                    let last = try await eventually {
                        let found = try await self.send(api.address, member).status
                        return found == status ? found : nil
                    }
                    #expect(last == status)
                }
            }
        }
    }
}
