import Foundation
import NIOCore
import NIOPosix
import Redis
import TLS
import TestKit
import Testing

/// A Redis behind TLS, that of Debian.
struct TLSTests {
    private struct Secured {
        let folder: URL
        let port: Int
        /// Over the Unix socket, in the clear.
        let redis: RedisServer
        let authority: TestAuthority

        func url(_ host: String = "127.0.0.1") throws -> RedisURL {
            try RedisURL("rediss://\(host):\(self.port)/0", as: .setting)
        }

        /// What a client believes and shows.
        func contexts(
            _ authority: TestAuthority? = nil, showing client: TestAuthority.Issued? = nil
        ) throws -> TLSContextHolder {
            let shown = try client?.write(to: self.folder, as: "client")
            return TLSContextHolder(
                try .client(
                    TLSFiles(
                        certificate: shown?.certificate, key: shown?.key,
                        authorities: try (authority ?? self.authority).write(to: self.folder, as: "believed.crt"))))
        }

        /// Has Redis show another certificate, to connections from now on.
        func show(_ issued: TestAuthority.Issued) async throws {
            let paths = try issued.write(to: self.folder, as: "next")
            #expect(
                try await self.redis.command(
                    "CONFIG", "SET", "tls-cert-file", paths.certificate, "tls-key-file", paths.key
                ).text == "OK")
        }

        /// Of one command; nil: there was no connection.
        func answer(_ url: RedisURL, _ contexts: TLSContextHolder) async throws -> String? {
            do {
                _ = try await RedisConnector(
                    to: url, tls: contexts, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger()
                )
                .probe(within: .seconds(20), on: MultiThreadedEventLoopGroup.singleton.next())
            } catch is TLSError {
                return nil
            }
            return try await self.withClient(url, contexts) { try await $0.send(RedisCommand("PING")).text }
        }

        func withClient<Result>(
            _ url: RedisURL, _ contexts: TLSContextHolder, _ body: (RedisClient) async throws -> Result
        ) async throws -> Result {
            try await withRedisClient(to: url, tls: contexts, deadline: .seconds(20), body)
        }
    }

    private func withSecured(
        asksClients: Bool = false, _ body: (Secured) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let authority = try TestAuthority()
            let paths = try authority.issue().write(to: folder)
            let file = try authority.write(to: folder)
            let port = try await freeLoopbackPort()
            try await withRedis(arguments: [
                "--tls-port", "\(port)", "--tls-cert-file", paths.certificate, "--tls-key-file", paths.key,
                "--tls-ca-cert-file", file, "--tls-auth-clients", asksClients ? "yes" : "no",
            ]) { redis in
                try await body(Secured(folder: folder, port: port, redis: redis, authority: authority))
            }
        }
    }

    @Test func `Commands go over TLS, by name and by address, and large ones too`() async throws {
        try await self.withSecured { secured in
            let contexts = try secured.contexts()
            #expect(try await secured.answer(secured.url(), contexts) == "PONG")
            #expect(try await secured.answer(secured.url("localhost"), contexts) == "PONG")
            try await secured.withClient(secured.url(), contexts) { client async throws in
                let value = String(repeating: "x", count: 5 << 20)
                #expect(try await client.send(RedisCommand("SET", ["k", value])).text == "OK")
                #expect(try await client.send(RedisCommand("GET", ["k"])).text == value)
            }
        }
    }

    @Test func `A server is refused by its authority, its name and its end`() async throws {
        try await self.withSecured { secured in
            let url = try secured.url()
            #expect(try await secured.answer(url, try secured.contexts(TestAuthority("Another"))) == nil)
            // Those of the system have not signed it.
            #expect(try await secured.answer(url, TLSContextHolder(.system)) == nil)
            let contexts = try secured.contexts()
            try await secured.show(secured.authority.issue(for: ["DNS:other.example"]))
            #expect(try await secured.answer(url, contexts) == nil)
            try await secured.show(secured.authority.issue(until: -60))
            #expect(try await secured.answer(url, contexts) == nil)
            try await secured.show(secured.authority.issue())
            #expect(try await secured.answer(url, contexts) == "PONG")
        }
    }

    @Test func `A server that asks for a certificate gets one, and drops who has none`() async throws {
        try await self.withSecured(asksClients: true) { secured in
            let url = try secured.url()
            let shown = try secured.contexts(showing: secured.authority.issue("client", for: []))
            #expect(try await secured.answer(url, shown) == "PONG")
            for contexts in [
                try secured.contexts(),
                try secured.contexts(showing: TestAuthority("Another").issue("client", for: [])),
            ] {
                await #expect(throws: RedisError.self) {
                    try await secured.withClient(url, contexts) { try await $0.send(RedisCommand("PING")) }
                }
            }
        }
    }

    @Test func `Certificates of both sides change under load, and no reply is lost`() async throws {
        try await self.withSecured(asksClients: true) { secured in
            let contexts = try secured.contexts(showing: secured.authority.issue("client", for: []))
            try await secured.withClient(secured.url(), contexts) { client async throws in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            for _ in 0..<100 { _ = try await client.send(RedisCommand("INCR", ["n"])) }
                        }
                    }
                    for _ in 0..<5 {
                        try await secured.show(secured.authority.issue())
                        contexts.replace(
                            with: try secured.contexts(showing: secured.authority.issue("client", for: [])).current)
                        #expect(try await secured.answer(secured.url(), contexts) == "PONG")
                    }
                    try await group.waitForAll()
                }
                #expect(try await secured.redis.command("GET", "n").int == 800)
            }
        }
    }

    @Test func `A server without TLS is no server, and one with it none for clients without`() async throws {
        try await withRedis(tcp: true) { redis in
            let port = try #require(redis.tcpPort)
            await #expect(throws: (any Error).self) {
                try await RedisConnector(
                    to: RedisURL("rediss://127.0.0.1:\(port)", as: .setting),
                    eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger()
                )
                .probe(within: .seconds(1), on: MultiThreadedEventLoopGroup.singleton.next())
            }
        }
        try await self.withSecured { secured in
            let url = try RedisURL("redis://127.0.0.1:\(secured.port)", as: .setting)
            await #expect(throws: RedisError.self) {
                try await secured.withClient(url, secured.contexts()) { try await $0.send(RedisCommand("PING")) }
            }
        }
    }
}
