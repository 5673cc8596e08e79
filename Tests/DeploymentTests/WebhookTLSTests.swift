import Foundation
import HTTPServer
import NIOConcurrencyHelpers
import Settings
import TLS
import TestKit
import Testing

extension DeploymentTests {
    /// Endpoints with TLS whose certificate is not right, and the certificate that a notifier shows them.
    struct WebhookTLSTests {
        /// An endpoint whose certificates can be replaced.
        private struct Endpoint {
            let url: String
            let tls: TLSContextHolder
            let calls: NIOLockedValueBox<Int>

            func isCalled(_ times: Int) async throws -> Bool {
                try await eventually { calls.withLockedValue { $0 } >= times ? true : nil } == true
            }
        }

        private static func withEndpoint(_ files: TLSFiles, _ body: (Endpoint) async throws -> Void) async throws {
            let calls = NIOLockedValueBox(0)
            let tls = TLSContextHolder(try .server(files))
            try await withHTTPListener { onListening in
                HTTPListener(
                    host: "127.0.0.1", port: 0, tls: tls, logger: quietLogger(), onListening: onListening,
                    respond: { _ in
                        calls.withLockedValue { $0 += 1 }
                        return .answer(HTTPAnswer(.ok, "", type: "text/plain"))
                    })
            } _: { port, _ in
                try await body(Endpoint(url: "https://127.0.0.1:\(port)/", tls: tls, calls: calls))
            }
        }

        /// Posts a message for an address, which is attempted again each second.
        ///
        /// - Returns: Where the API tells of the subscription.
        private static func post(to url: String, in queue: String, with caller: HTTPCaller) async throws -> String {
            let policy =
                #"{"retries_with_no_delay": 0, "minimum_delay_retries": 100, "minimum_delay": 1, "maximum_delay": 11}"#
            let subscribed = try await caller.send(
                "POST", "/v2/queues/\(queue)/subscriptions", headers: Load.headers,
                body: #"{"subscriber": "\#(url)", "ttl": 600, "options": {"_retry_policy": \#(policy)}}"#)
            let id = try #require(subscribed.text.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1)
            let posted = try await caller.send(
                "POST", "/v2/queues/\(queue)/messages", headers: Load.headers, body: #"{"messages": [{"body": 1}]}"#)
            #expect(posted.status == 201, "\(posted)")
            return "/v2/queues/\(queue)/subscriptions/\(id)"
        }

        /// Waits until the log of a subscription has an attempt that says so, and returns all that it has.
        private static func attempts(
            of subscription: String, saying words: String, with caller: HTTPCaller
        ) async throws -> String {
            let text: String? = try await eventually {
                let reply = try await caller.send("GET", subscription + "/attempts?limit=20", headers: Load.headers)
                return reply.text.contains(words) ? reply.text : nil
            }
            return text ?? "no attempt says \(words)"
        }

        private static let succeeded = #""succeeded":true"#

        @Test(arguments: ["expired", "wrong name"])
        func `An endpoint whose certificate is not right is not called until it is, and gets what waited`(
            fault: String
        ) async throws {
            try await withTemporaryFolder { folder in
                let authority = try TestAuthority()
                let believed = try authority.write(to: folder)
                let bad =
                    try fault == "expired"
                    ? authority.issue(until: -60) : authority.issue(for: ["DNS:other.test", "IP:127.0.0.2"])
                let (wrong, right) = (try bad.write(to: folder, as: "wrong"), try authority.issue().write(to: folder))
                let settings = [Setting.webhookCAFile.environment: believed]
                try await withDeployment(settings: settings) { deployment in
                    let caller = HTTPCaller(try await deployment.startAPI().address)
                    _ = try await deployment.startNotifier()
                    let files = TLSFiles(certificate: wrong.certificate, key: wrong.key)
                    try await Self.withEndpoint(files) { endpoint async throws in
                        let subscription = try await Self.post(to: endpoint.url, in: "q", with: caller)
                        let failed = try await Self.attempts(of: subscription, saying: #""error":"tls""#, with: caller)
                        #expect(failed.contains(#""error":"tls""#) && !failed.contains(Self.succeeded), "\(failed)")
                        #expect(endpoint.calls.withLockedValue { $0 } == 0)
                        endpoint.tls.replace(
                            with: try .server(TLSFiles(certificate: right.certificate, key: right.key)))
                        #expect(try await endpoint.isCalled(1), "\(deployment.logs)")
                        let all = try await Self.attempts(of: subscription, saying: Self.succeeded, with: caller)
                        #expect(all.contains(Self.succeeded) && all.contains(#""error":"tls""#), "\(all)")
                        #expect(endpoint.calls.withLockedValue { $0 } == 1)
                    }
                    await caller.close()
                }
            }
        }

        /// Puts a certificate into a folder of its own, and has the link to the folder lead there, as docs/operations.md says.
        private static func show(_ issued: TestAuthority.Issued, as name: String, in folder: URL) throws {
            let own = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: false)
            _ = try issued.write(to: own, as: "client")
            let next = folder.appendingPathComponent("next").path
            try FileManager.default.createSymbolicLink(atPath: next, withDestinationPath: name)
            guard rename(next, folder.appendingPathComponent("tls").path) == 0 else {
                throw CocoaError(.fileWriteUnknown)
            }
        }

        @Test func `A client certificate that is replaced while the notifier runs is shown by the next connection`()
            async throws
        {
            try await withTemporaryFolder { folder in
                let (servers, old) = (try TestAuthority("Servers"), try TestAuthority("Old clients"))
                let new = try TestAuthority("New clients")
                let server = try servers.issue().write(to: folder)
                func endpoint(asking authority: TestAuthority, _ name: String) throws -> TLSFiles {
                    let file = try authority.write(to: folder, as: name)
                    return TLSFiles(certificate: server.certificate, key: server.key, authorities: file)
                }
                try Self.show(try old.issue("client", for: []), as: "tls-1", in: folder)
                let settings = [
                    Setting.webhookCAFile.environment: try servers.write(to: folder),
                    Setting.webhookClientCertificateFile.environment: folder.appendingPathComponent("tls/client.crt")
                        .path,
                    Setting.webhookClientKeyFile.environment: folder.appendingPathComponent("tls/client.key").path,
                ]
                try await withDeployment(settings: settings) { deployment in
                    let caller = HTTPCaller(try await deployment.startAPI().address)
                    _ = try await deployment.startNotifier()
                    try await Self.withEndpoint(try endpoint(asking: old, "old.crt")) { first async throws in
                        _ = try await Self.post(to: first.url, in: "first", with: caller)
                        #expect(try await first.isCalled(1), "\(deployment.logs)")
                    }
                    try await Self.withEndpoint(try endpoint(asking: new, "new.crt")) { second async throws in
                        let subscription = try await Self.post(to: second.url, in: "second", with: caller)
                        let failed = try await Self.attempts(
                            of: subscription, saying: #""succeeded":false"#, with: caller)
                        #expect(failed.contains(#""succeeded":false"#), "\(failed)")
                        #expect(second.calls.withLockedValue { $0 } == 0)
                        try Self.show(try new.issue("client", for: []), as: "tls-2", in: folder)
                        #expect(try await second.isCalled(1), "\(deployment.logs)")
                        let all = try await Self.attempts(of: subscription, saying: Self.succeeded, with: caller)
                        #expect(all.contains(Self.succeeded), "\(all)")
                    }
                    await caller.close()
                }
            }
        }
    }
}
