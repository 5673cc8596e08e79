import Foundation
import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import TLS
import TestKit
import Testing

/// A listener whose connections are encrypted.
struct HTTPSTests {
    private static let request = "GET /now HTTP/1.1\r\nHost: localhost\r\n\r\n"

    /// A server's certificate, who has signed it, and what a client of ours takes it by.
    private struct Material {
        let folder: URL
        let authority: TestAuthority
        let files: TLSFiles
        let server: TLSContextHolder
        let client: TLSContext

        var authorityFile: String { self.folder.appendingPathComponent("ca.crt").path }
    }

    private func withMaterial(_ body: (Material) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let authority = try TestAuthority()
            let paths = try authority.issue().write(to: folder)
            let files = TLSFiles(certificate: paths.certificate, key: paths.key)
            try await body(
                Material(
                    folder: folder, authority: authority, files: files, server: TLSContextHolder(try .server(files)),
                    client: try .client(TLSFiles(authorities: try authority.write(to: folder)))))
        }
    }

    /// Runs curl, and returns what it printed and its status.
    private func curl(_ material: Material, _ arguments: [String]) async throws -> (output: String, status: Int32?) {
        let log = material.folder.appendingPathComponent(UUID().uuidString)
        let curl = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/curl"),
            arguments: ["--silent", "--show-error", "--max-time", "60", "--cacert", material.authorityFile] + arguments,
            log: log)
        guard case .status(let status) = await curl.waitForExit() else { return ("", nil) }
        return (String(decoding: try Data(contentsOf: log), as: UTF8.self), status)
    }

    @Test func `curl speaks TLS 1-2 and 1-3 to it, and not 1-1`() async throws {
        try await self.withMaterial { material in
            try await withListener(tls: material.server) { listener in
                let url = "https://localhost:\(listener.port)/now"
                for version in ["1.2", "1.3"] {
                    let (output, status) = try await self.curl(
                        material, ["--tlsv\(version)", "--tls-max", version, "--verbose", url])
                    #expect(status == 0 && output.contains("now"), "\(output)")
                    #expect(output.contains("SSL connection using TLSv\(version)"), "\(output)")
                    #expect(output.contains("ALPN: server accepted http/1.1"), "\(output)")
                }
                let old = try await self.curl(
                    material, ["--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", url])
                #expect(old.status == 35, "\(old.output)")
                // Its authority is none that the system knows.
                let stranger = try await self.curl(material, ["--cacert", "/etc/ssl/certs/ca-certificates.crt", url])
                #expect(stranger.status == 60, "\(stranger.output)")
            }
        }
    }

    @Test func `curl shows the certificate that is asked for`() async throws {
        try await self.withMaterial { material in
            let clients = try TestAuthority("Clients")
            var files = material.files
            files.authorities = try clients.write(to: material.folder, as: "clients.crt")
            let own = try clients.issue("client", for: []).write(to: material.folder, as: "client")
            let other = try TestAuthority("Another").issue("client", for: []).write(to: material.folder, as: "other")
            try await withListener(tls: TLSContextHolder(try .server(files))) { listener in
                let url = "https://localhost:\(listener.port)/now"
                let shown = try await self.curl(material, ["--cert", own.certificate, "--key", own.key, url])
                #expect(shown.status == 0 && shown.output == "now", "\(shown.output)")
                for arguments in [[], ["--cert", other.certificate, "--key", other.key]] {
                    let refused = try await self.curl(material, arguments + [url])
                    #expect(refused.status != 0, "\(refused.output)")
                }
            }
        }
    }

    @Test func `A request in the clear is answered in the clear, and ends`() async throws {
        try await self.withMaterial { material in
            try await withListener(tls: material.server) { listener in
                let connection = try await listener.connect()
                try await connection.send(Self.request)
                let received = try #require(try await connection.all())
                #expect(received.statuses == [400] && received.text.contains("https only"))
            }
        }
    }

    @Test func `TLS to a listener in the clear ends`() async throws {
        try await self.withMaterial { material in
            try await withListener { listener in
                await #expect(throws: (any Error).self) { try await listener.connect(tls: material.client) }
            }
        }
    }

    @Test func `The header of a proxy stands in front of the handshake`() async throws {
        let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
        let header: [UInt8] = signature + [0x21, 0x11, 0, 12, 10, 0, 0, 7, 127, 0, 0, 1, 0xC0, 0, 0x1F, 0x90]
        try await self.withMaterial { material in
            let callers = NIOLockedValueBox<[String]>([])
            try await withListener(
                tls: material.server,
                { head in
                    .task { exchange in
                        let caller = await exchange.callerAddress(of: head)?.ipAddress ?? "-"
                        callers.withLockedValue { $0.append(caller) }
                        return HTTPAnswer(.ok, caller, type: "text/plain")
                    }
                }, isProxy: { $0.ipAddress == "127.0.0.1" }
            ) { listener in
                for pause in [false, true] {
                    let reply = try await ProxiedClient.ask(
                        port: listener.port, header: header, byteByByte: pause, tls: material.client, Self.request)
                    #expect(reply.contains("10.0.0.7"), "\(reply)")
                }
                // A proxy that sends none is one for the requests of its callers.
                let direct = try await listener.connect(tls: material.client)
                try await direct.send("GET /now HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n")
                #expect(try await direct.received { $0.text.hasSuffix("10.0.0.9") } != nil)
                await direct.close()
                // What is no header any more is no handshake either.
                let broken = try await listener.connect()
                try await broken.send(signature + [0x99, 0x11, 0, 12])
                #expect(try await broken.all()?.statuses == [400])
            }
        }
    }

    @Test func `A handshake that never ends is closed`() async throws {
        try await self.withMaterial { material in
            var limits = HTTPLimits()
            limits.headMax = .milliseconds(100)
            try await withListener(limits: limits, tls: material.server) { listener in
                let silent = try await listener.connect()
                let begun = try await listener.connect()
                // The head of a record that does not come.
                try await begun.send([0x16, 3, 1, 2, 0, 1, 0])
                #expect(try await silent.all() != nil)
                #expect(try await begun.all() != nil)
            }
        }
    }

    @Test func `New connections take a new certificate, and no request is lost while it changes`() async throws {
        try await self.withMaterial { material in
            let next = try TestAuthority("Next")
            let paths = try next.issue().write(to: material.folder, as: "next")
            let renewed = try TLSContext.server(TLSFiles(certificate: paths.certificate, key: paths.key))
            let both = material.folder.appendingPathComponent("both.crt")
            try Data((material.authority.certificate + next.certificate).utf8).write(to: both)
            let client = try TLSContext.client(TLSFiles(authorities: both.path))
            try await withListener(tls: material.server) { listener in
                let kept = try await listener.connect(tls: client)
                let answered = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            var count = 0
                            for _ in 0..<25 {
                                let connection = try await listener.connect(tls: client)
                                try await connection.send(Self.request + Self.request)
                                let received = try await connection.received { $0.statuses.count == 2 }
                                await connection.close()
                                if received != nil { count += 1 }
                            }
                            return count
                        }
                    }
                    group.addTask {
                        let contexts = [renewed, material.server.current]
                        for turn in 0..<100 {
                            material.server.replace(with: contexts[turn % 2])
                            try await kept.send(Self.request)
                            _ = try await kept.received { $0.statuses.count == turn + 1 }
                        }
                        material.server.replace(with: renewed)
                        return 0
                    }
                    return try await group.reduce(0, +)
                }
                #expect(answered == 100)
                #expect(kept.soFar.statuses.count == 100 && kept.soFar.error == nil)
                await kept.close()
                await #expect(throws: TLSError.self) { try await listener.connect(tls: material.client) }
            }
        }
    }

    @Test func `Ten megabytes go either way, and wait for a peer that does not read`() async throws {
        let count = 10 << 20
        try await self.withMaterial { material in
            let buffered = NIOLockedValueBox(0)
            try await withListener(
                tls: material.server,
                { head in
                    .task { exchange in
                        let body = try? await exchange.body(upTo: count)
                        buffered.withLockedValue { $0 = body?.readableBytes ?? -1 }
                        return HTTPAnswer(status: .ok, body: body ?? ByteBuffer())
                    }
                }
            ) { listener in
                let connection = try await listener.connect(reads: false, tls: material.client)
                try await connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(count)\r\n\r\n")
                try await connection.send([UInt8](repeating: 7, count: count))
                #expect(try await eventually { buffered.withLockedValue { $0 == count } ? true : nil } == true)
                #expect(connection.soFar.bytes.isEmpty)
                try await connection.startReading()
                let received = try await connection.received { $0.bytes.count > count }
                #expect(received?.statuses == [200])
                #expect(received?.bytes.suffix(count).allSatisfy { $0 == 7 } == true)
                await connection.close()
            }
        }
    }

    @Test func `A stream arrives in parts, and one that breaks is not taken for whole`() async throws {
        try await self.withMaterial { material in
            try await withListener(
                tls: material.server,
                { head in
                    .task { _ in
                        HTTPAnswer(
                            status: .ok,
                            stream: { writer in
                                try await writer.write(ByteBuffer(string: "part"))
                                if head.target == "/broken" { throw CancellationError() }
                            })
                    }
                }
            ) { listener in
                for (target, isWhole) in [("/", true), ("/broken", false)] {
                    let connection = try await listener.connect(tls: material.client)
                    try await connection.send("GET \(target) HTTP/1.0\r\n\r\n")
                    let received = try #require(try await connection.all())
                    #expect(isWhole == (received.error == nil && received.text.hasSuffix("part")), "\(received)")
                }
            }
        }
    }

    @Test func `A peer that has sent close_notify is still answered`() async throws {
        try await self.withMaterial { material in
            try await withListener(tls: material.server) { listener in
                let connection = try await listener.connect(tls: material.client)
                try await connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
                try await connection.closeOutput()
                let received = try #require(try await connection.all())
                #expect(received.text.hasSuffix("POST / hello") && received.error == nil, "\(received)")
            }
        }
    }
}
