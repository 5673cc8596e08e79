import Domain
import Foundation
import Keystone
import TestKit
import Testing

/// What a real Keystone says, and how often it is asked.
struct KeystoneClientTests {
    // MARK: - What it says

    @Test func `Tokens of every scope are read as Keystone gives them`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withParts(keystone) { parts async throws in
            let member = try #require(try await parts.validated(keystone.token(of: "member")))
            #expect(member.user == keystone.user("member") && member.project == keystone.project("alpha"))
            #expect(member.roles == ["member", "reader"] && member.domain == nil && !member.isSystemScoped)
            #expect(member.accessRules == nil && member.expiry > parts.clock.now)
            let unscoped = try #require(try await parts.validated(keystone.token(of: "member", for: .none)))
            #expect(unscoped.project == nil && unscoped.domain == nil && unscoped.roles.isEmpty)
            let domain = try #require(try await parts.validated(keystone.token(of: "member", for: .domain)))
            #expect(domain.domain == "default" && domain.project == nil && domain.roles == ["reader"])
            let system = try #require(try await parts.validated(keystone.token(of: "boss", for: .system)))
            #expect(system.isSystemScoped && system.roles.contains("admin"))
            let restricted = try await keystone.restrictedToken(
                of: "member", rules: [("messaging", "GET", "/v2/queues/*")])
            let rules = try #require(try await parts.validated(restricted)).accessRules
            #expect(rules == [AccessRule(service: "messaging", method: "GET", path: "/v2/queues/*")])
        }
    }

    @Test func `Tokens that do not hold are rejected`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withParts(keystone, lifetime: .zero) { parts async throws in
            for token in ["malformed", "gAAAAAbutNotReally", String(repeating: "x", count: 4096)] {
                #expect(try await parts.validated(token) == nil)
            }
            let expired = try await keystone.token(of: "member", endingIn: -60)
            #expect(try await parts.validated(expired) == nil)
            #expect(try await parts.validated(expired, allowsExpired: true)?.user == keystone.user("member"))
            let longExpired = try await keystone.token(of: "member", endingIn: -7200)
            #expect(try await parts.validated(longExpired, allowsExpired: true) == nil)
            let revoked = try await keystone.token(of: "member")
            #expect(try await parts.validated(revoked) != nil)
            try await keystone.revoke(revoked)
            #expect(try await parts.validated(revoked) == nil)
        }
    }

    @Test(arguments: [nil, "service"])
    func `It asks as a user with a project or without one, at the root or at v3`(project: String?) async throws {
        let keystone = try await KeystoneServer.shared()
        for suffix in ["", "/", "/v3", "/v3/"] {
            try await withParts(keystone, url: keystone.url + suffix, project: project) { parts async throws in
                let token = try await keystone.token(of: "member")
                // Without a project the user has no role by which it may ask: Keystone says 403.
                if project == nil {
                    #expect(try await parts.trouble(token) == .status(403))
                } else {
                    #expect(try await parts.validated(token) != nil)
                }
            }
        }
    }

    // MARK: - How often

    @Test func `A token that is known ends with its expiry, and is asked about again when its time is over`()
        async throws
    {
        let keystone = try await KeystoneServer.shared()
        try await withParts(keystone) { parts async throws in
            let token = try await keystone.token(of: "member")
            #expect(try await parts.validated(token) != nil)
            let count = try keystone.requests().count
            parts.clock.move(by: 7200)
            #expect(try await parts.validated(token) == nil)
            // Keystone was not asked, and a service may still act for the caller.
            #expect(try await parts.validated(token, allowsExpired: true) != nil)
            #expect(try keystone.requests().count == count)
        }
        try await withParts(keystone, lifetime: .milliseconds(1)) { parts async throws in
            let token = try await keystone.token(of: "member")
            #expect(try await parts.validated(token) != nil)
            try await keystone.revoke(token)
            let isNoticed = try await eventually { try await parts.validated(token) == nil ? true : nil }
            #expect(isNoticed == true)
        }
    }

}
