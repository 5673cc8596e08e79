import Domain
import Foundation
import TestKit
import Testing

@testable import Keystone

/// How often Keystone is asked for tokens by trusts.
struct TrustTokensTests {
    private struct Parts {
        let keystone: KeystoneServer
        let client: KeystoneClient
        let tokens: TrustTokens
        let clock: MovableClock
    }

    private func with(_ body: (Parts) async throws -> Void) async throws {
        let keystone = try await KeystoneServer.shared()
        try await withParts(keystone, user: "trustee", project: nil) { parts in
            try await body(
                Parts(
                    keystone: keystone, client: parts.client,
                    tokens: TrustTokens(parts.client, clock: { parts.clock.now }), clock: parts.clock))
        }
    }

    private func token(_ answer: TrustTokens.Answer) -> KeystoneToken? {
        if case .token(let token) = answer { token } else { nil }
    }

    @Test func `All that wait for a token get one, which is used until a minute before its end`() async throws {
        try await self.with { parts in
            let trust = try #require(TrustID(try await parts.keystone.giveTrust(of: "member", role: "member")))
            let all = try await withThrowingTaskGroup(of: TrustTokens.Answer.self) { group in
                for _ in 0..<20 { group.addTask { try await parts.tokens.token(by: trust, owner: "p") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let first = try #require(self.token(all[0]))
            #expect(all.allSatisfy { self.token($0) == first })
            // An hour is the default of Keystone.
            parts.clock.move(by: 3_500)
            #expect(self.token(try await parts.tokens.token(by: trust, owner: "p")) == first)
            parts.clock.move(by: 60)
            let second = self.token(try await parts.tokens.token(by: trust, owner: "p"))
            #expect(second != nil && second != first)
            try await parts.keystone.removeTrust(trust.text)
        }
    }

    @Test func `A refused token is replaced once a minute`() async throws {
        try await self.with { parts in
            let trust = try #require(TrustID(try await parts.keystone.giveTrust(of: "member", role: "member")))
            let first = try #require(self.token(try await parts.tokens.token(by: trust, owner: "p")))
            let second = try #require(
                self.token(try await parts.tokens.token(by: trust, replacing: first, owner: "p")))
            #expect(second != first)
            #expect(self.token(try await parts.tokens.token(by: trust, replacing: first, owner: "p")) == second)
            #expect(self.token(try await parts.tokens.token(by: trust, replacing: second, owner: "p")) == second)
            parts.clock.move(by: 61)
            let third = self.token(try await parts.tokens.token(by: trust, replacing: second, owner: "p"))
            #expect(third != nil && third != second)
            try await parts.keystone.removeTrust(trust.text)
        }
    }

    @Test func `About a trust that is over Keystone is asked once a minute, and the service token stays`() async throws
    {
        try await self.with { parts in
            let trust = try #require(TrustID(try await parts.keystone.giveTrust(of: "boss", role: "admin")))
            try await parts.keystone.removeTrust(trust.text)
            let service = try await parts.client.serviceToken(until: .now + .seconds(20))
            #expect(try await parts.tokens.token(by: trust, owner: "p") == .over(isNews: true))
            for _ in 0..<3 { #expect(try await parts.tokens.token(by: trust, owner: "p") == .over(isNews: false)) }
            #expect(try await parts.client.serviceToken(until: .now + .seconds(20)) == service)
            parts.clock.move(by: 61)
            #expect(try await parts.tokens.token(by: trust, owner: "p") == .over(isNews: true))
        }
    }
}
