import Foundation
import HTTPServer
import NIOConcurrencyHelpers
import Runtime
import ServiceLifecycle
import Settings
import TLS
import TestKit
import Testing

extension DeploymentTests {
    /// TLS on every wire of whole processes.
    struct TLSTests {
        /// A folder of certificates, and what asks a process with them.
        private struct Certificates {
            let folder: URL
            let authority: TestAuthority

            /// Both for servers and as a client.
            func write(_ name: String, by authority: TestAuthority? = nil) throws -> (certificate: String, key: String)
            {
                try (authority ?? self.authority).issue(name).write(to: self.folder, as: name)
            }

            var believed: String { self.folder.appendingPathComponent("ca.crt").path }

            /// What curl prints of a request, its status behind it.
            func curl(_ url: String, _ arguments: [String] = [], believing file: String? = nil) async throws -> String {
                let log = self.folder.appendingPathComponent(UUID().uuidString)
                let curl = try ChildProcess(
                    URL(fileURLWithPath: "/usr/bin/curl"),
                    arguments: [
                        "--silent", "--show-error", "--max-time", "30", "--cacert", file ?? self.believed,
                        "--header", "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c", "--header", "X-Project-Id: p",
                        "--write-out", "\n%{http_code}",
                    ] + arguments + [url], log: log)
                await curl.waitForExit()
                return String(decoding: try Data(contentsOf: log), as: UTF8.self)
            }
        }

        private static func withCertificates(_ body: (Certificates) async throws -> Void) async throws {
            try await withTemporaryFolder { folder in
                let authority = try TestAuthority()
                _ = try authority.write(to: folder)
                try await body(Certificates(folder: folder, authority: authority))
            }
        }

        /// Runs a receiver of webhooks that asks for certificates; `body` gets its URL and how often it was called.
        private static func withReceiver(
            _ files: TLSFiles, _ body: (_ url: String, _ calls: @escaping @Sendable () -> Int) async throws -> Void
        ) async throws {
            let calls = NIOLockedValueBox(0)
            try await withHTTPListener { onListening in
                HTTPListener(
                    host: "127.0.0.1", port: 0, tls: TLSContextHolder(try .server(files)), logger: quietLogger(),
                    onListening: onListening,
                    respond: { _ in
                        calls.withLockedValue { $0 += 1 }
                        return .answer(HTTPAnswer(.ok, "", type: "text/plain"))
                    })
            } _: { port, _ in
                try await body("https://127.0.0.1:\(port)/", { calls.withLockedValue { $0 } })
            }
        }

        @Test func `Every wire of a deployment is encrypted, and each process goes on when its certificates change`()
            async throws
        {
            try await Self.withCertificates { certificates in
                let (server, admin) = (try certificates.write("server"), try certificates.write("admin"))
                let (redis, client) = (try certificates.write("redis"), try certificates.write("client"))
                let port = try await freeLoopbackPort()
                var settings: [String: String] = [:]
                for (setting, path) in [
                    (Setting.apiTLSCertificateFile, server.certificate), (Setting.apiTLSKeyFile, server.key),
                    (Setting.adminTLSCertificateFile, admin.certificate), (Setting.adminTLSKeyFile, admin.key),
                    (Setting.adminTLSClientCAFile, certificates.believed),
                    (Setting.redisTLSCAFile, certificates.believed),
                    (Setting.redisTLSCertificateFile, client.certificate), (Setting.redisTLSKeyFile, client.key),
                    (Setting.webhookCAFile, certificates.believed),
                    (Setting.webhookClientCertificateFile, client.certificate),
                    (Setting.webhookClientKeyFile, client.key),
                ] { settings[setting.environment] = path }
                try await withRedis(arguments: [
                    "--tls-port", "\(port)", "--tls-cert-file", redis.certificate, "--tls-key-file", redis.key,
                    "--tls-ca-cert-file", certificates.believed, "--tls-auth-clients", "yes",
                ]) { redis in
                    let deployment = Deployment(
                        redis: redis, at: "rediss://127.0.0.1:\(port)/0", settings: settings)
                    let outcome: Result<Void, any Error>
                    do {
                        outcome = .success(try await Self.check(deployment, certificates, client))
                    } catch { outcome = .failure(error) }
                    await deployment.stop()
                    try outcome.get()
                }
            }
        }

        private static func check(
            _ deployment: Deployment, _ certificates: Certificates, _ client: (certificate: String, key: String)
        ) async throws {
            let api = try await deployment.startAPI()
            let notifier = try await deployment.startNotifier()
            #expect(api.address.hasPrefix("https://127.0.0.1:"))
            #expect(try #require(api.ready.websocket).hasPrefix("wss://127.0.0.1:"))
            for admin in [try #require(api.ready.admin), try #require(notifier.ready.admin)] {
                #expect(admin.hasPrefix("https://127.0.0.1:"))
                let shown = ["--cert", client.certificate, "--key", client.key]
                #expect(try await certificates.curl("\(admin)/livez", shown).hasSuffix("\n200"))
                #expect(try await !certificates.curl("\(admin)/livez").hasSuffix("\n200"))
                #expect(
                    try await certificates.curl("\(admin)/metrics", shown).contains(
                        #"herald_tls_certificate_expiry_timestamp_seconds{setting="admin.tls.certificate.file"} "#))
            }
            let receiver = TLSFiles(
                certificate: client.certificate, key: client.key, authorities: certificates.believed)
            try await Self.withReceiver(receiver) { url, calls async throws in
                let queue = "\(api.address)/v2/queues/q"
                let subscription = #"{"subscriber": "\#(url)", "ttl": 300}"#
                #expect(
                    try await certificates.curl("\(queue)/subscriptions", ["--json", subscription]).hasSuffix("\n201"))
                let posted = try await certificates.curl(
                    "\(queue)/messages", ["--json", #"{"messages": [{"body": 1}]}"#])
                #expect(posted.hasSuffix("\n201"), "\(posted)")
                #expect(try await eventually { calls() > 0 ? true : nil } == true, "\(deployment.logs)")
            }
            let listed = try await deployment.herald([
                "queue", "list", "--url", api.address, "--ca-file", certificates.believed, "--project", "p",
            ])
            #expect(listed.exit == .status(0) && listed.output.contains("q"), "\(listed.output)")
            let refused = try await deployment.herald(["queue", "list", "--url", api.address, "--project", "p"])
            #expect(refused.exit != .status(0), "\(refused.output)")
            try await Self.speakWebSocket(try #require(api.ready.websocket), certificates)
            try await Self.change(api, certificates, deployment)
        }

        /// By PyPI's `websockets`.
        private static func speakWebSocket(_ url: String, _ certificates: Certificates) async throws {
            let program = """
                import asyncio, json, ssl, sys, websockets
                async def main(url, believed):
                    context = ssl.create_default_context(cafile=believed)
                    async with websockets.connect(url, ssl=context) as socket:
                        await socket.send(json.dumps({"action": "queue_list", "headers": {
                            "Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "p"}}))
                        print(json.loads(await socket.recv())["body"]["queues"][0]["name"], socket.transport.get_extra_info("cipher")[1])
                asyncio.run(main(sys.argv[1], sys.argv[2]))
                """
            let run = try await Python.run { folder in
                let file = folder.appendingPathComponent("client.py")
                try Data(program.utf8).write(to: file)
                return [file.path, url + "/", certificates.believed]
            }
            #expect(run.output == "q TLSv1.3\n" && run.exit == .status(0), "\(run.output)")
        }

        /// Files that are broken change nothing, and those that are not are taken at once, by SIGHUP.
        private static func change(
            _ api: Deployment.Running, _ certificates: Certificates, _ deployment: Deployment
        ) async throws {
            let next = try TestAuthority("Next")
            let believed = try next.write(to: certificates.folder, as: "next.crt")
            let url = "\(api.address)/v2/ping"
            // The key is that of another certificate.
            let own = certificates.folder.appendingPathComponent("server.key")
            try Data(next.issue().key.utf8).write(to: own, options: .atomic)
            api.process.signal(SIGHUP)
            let isReported = try await eventually {
                deployment.logs.contains("those from before stay") && deployment.logs.contains("api.tls.key.file: '")
                    ? true : nil
            }
            #expect(isReported == true, "\(deployment.logs)")
            #expect(try await certificates.curl(url).hasSuffix("\n204"))
            _ = try certificates.write("server", by: next)
            api.process.signal(SIGHUP)
            let isTaken = try await eventually {
                try await certificates.curl(url, believing: believed).hasSuffix("\n204") ? true : nil
            }
            #expect(isTaken == true, "\(deployment.logs)")
            #expect(try await !certificates.curl(url).hasSuffix("\n204"))
        }

        @Test(arguments: [
            (Setting.apiTLSKeyFile, "other.key", "is not the key of the certificate in"),
            (Setting.apiTLSCertificateFile, "nowhere.crt", "cannot be read (No such file or directory)"),
            (Setting.apiTLSClientCAFile, "server.key", "holds no certificate"),
            (Setting.apiTLSKeyFile, "", "api.tls.certificate.file: '"),
            (Setting.adminTLSClientCAFile, "ca.crt", "has no effect without admin.tls.certificate.file"),
            (Setting.redisTLSCAFile, "nowhere.crt", "cannot be read (No such file or directory)"),
        ])
        func `A file that cannot be used ends the start with 78 and one line`(
            setting: Setting, name: String, words: String
        ) async throws {
            try await Self.withCertificates { certificates in
                _ = try certificates.write("other")
                let server = try certificates.write("server")
                var environment = [
                    Setting.apiTLSCertificateFile.environment: server.certificate,
                    Setting.apiTLSKeyFile.environment: server.key,
                    Setting.masterKey.environment: String(repeating: "3c", count: 32),
                ]
                environment[setting.environment] =
                    name.isEmpty ? nil : certificates.folder.appendingPathComponent(name).path
                let log = certificates.folder.appendingPathComponent("process.log")
                let process = try ChildProcess(
                    Deployment.executable("herald-api"), arguments: [], environment: environment, log: log)
                #expect(await process.waitForExit(within: .seconds(60)) == .status(78))
                let last = String(decoding: try Data(contentsOf: log), as: UTF8.self).split(separator: "\n").last
                #expect(last?.contains(words) == true, "\(last ?? "")")
            }
        }
    }
}
