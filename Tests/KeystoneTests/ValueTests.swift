import Domain
import Foundation
import TestKit
import Testing

@testable import Keystone

/// What is decided without Keystone.
struct ValueTests {
    private static func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

    // MARK: - Tokens

    @Test func `A token has bounds, and no byte that ends a header`() {
        #expect(KeystoneToken("a") != nil && KeystoneToken(String(repeating: "a", count: 4096)) != nil)
        #expect(KeystoneToken("") == nil && KeystoneToken(String(repeating: "a", count: 4097)) == nil)
        for byte in UInt8.min ... .max {
            let text = "a" + String(UnicodeScalar(byte)) + "b"
            #expect((KeystoneToken(text) != nil) == (0x21...0x7e).contains(byte), "\(byte)")
        }
    }

    @Test(arguments: [
        (#"{"token": {"user": {"id": "u"}, "expires_at": "2026-11-30T01:41:58.000000Z"}}"#, true),
        (#"{"token": {"user": {"id": "u"}, "expires_at": "2026-11-30T01:41:58Z", "catalog": [{}], "x": 1}}"#, true),
        (#"{"token": {"user": {"id": "u"}, "expires_at": "soon"}}"#, false),
        (#"{"token": {"user": {"id": "u"}}}"#, false),
        (#"{"token": {"user": {}, "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": {"id": ""}, "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": {"id": 1}, "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": "u", "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": {"id": "u"}, "project": {}, "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": {"id": "u"}, "domain": "d", "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": {"id": "u"}, "system": true, "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": {"id": "u"}, "roles": ["admin"], "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (#"{"token": {"user": {"id": "u"}, "roles": {}, "expires_at": "2026-11-30T01:41:58Z"}}"#, false),
        (
            #"{"token": {"user": {"id": "u"}, "application_credential": {"access_rules": [{"path": "/"}]}, "expires_at": "2026-11-30T01:41:58Z"}}"#,
            false
        ),
        (
            #"{"token": {"user": {"id": "u"}, "application_credential": {"access_rules": "all"}, "expires_at": "2026-11-30T01:41:58Z"}}"#,
            false
        ),
        (#"{"token": {}}"#, false), (#"{"token": []}"#, false), (#"{}"#, false), ("[]", false), ("", false),
        ("{", false),
    ])
    func `An answer admits a token only if all that is known of it has the right shape`(text: String, holds: Bool) {
        #expect((ValidatedToken(document: Array(text.utf8)) != nil) == holds)
    }

    @Test func `An answer is read whole`() throws {
        let text = #"""
            {"token": {"user": {"id": "u", "name": "n"}, "project": {"id": "p"}, "roles": [{"name": "Member"}, {"name": "é"}],
             "application_credential": {"access_rules": [{"id": "1", "service": "messaging", "method": "GET", "path": "/v2/**"}]},
             "expires_at": "1970-01-01T00:01:40.900000Z"}}
            """#
        #expect(
            ValidatedToken(document: Array(text.utf8))
                == ValidatedToken(
                    user: "u", project: "p", roles: ["Member", "é"], expiry: Self.time(100),
                    accessRules: [AccessRule(service: "messaging", method: "GET", path: "/v2/**")]))
        let system = #"{"token": {"user": {"id": "u"}, "system": {"all": true}, "expires_at": "1970-01-01T00:01:40Z"}}"#
        let scoped = try #require(ValidatedToken(document: Array(system.utf8)))
        #expect(scoped.isSystemScoped && scoped.project == nil && scoped.domain == nil && scoped.accessRules == nil)
        let domain = #"{"token": {"user": {"id": "u"}, "domain": {"id": "d"}, "expires_at": "1970-01-01T00:01:40Z"}}"#
        #expect(ValidatedToken(document: Array(domain.utf8))?.domain == "d")
    }

    @Test func `More roles or longer names than there can be are no answer`() {
        func document(_ roles: [String]) -> [UInt8] {
            let list = roles.map { #"{"name": "\#($0)"}"# }.joined(separator: ",")
            return Array(
                #"{"token": {"user": {"id": "u"}, "roles": [\#(list)], "expires_at": "1970-01-01T00:01:40Z"}}"#.utf8)
        }
        #expect(ValidatedToken(document: document((0..<1024).map { "\($0)" }))?.roles.count == 1024)
        #expect(ValidatedToken(document: document((0..<1025).map { "\($0)" })) == nil)
        #expect(ValidatedToken(document: document([String(repeating: "r", count: 1024)])) != nil)
        #expect(ValidatedToken(document: document([String(repeating: "r", count: 1025)])) == nil)
    }

    @Test func `Bytes of any kind are an answer or none, and no trap`() {
        let text = #"""
            {"token": {"user": {"id": "u"}, "project": {"id": "p"}, "domain": null, "system": {"all": true}, "roles": [{"name": "é"}],
             "application_credential": {"access_rules": [{"service": "m", "method": "GET", "path": "/**/{a}"}]},
             "expires_at": "1970-01-01T00:01:40.9Z"}}
            """#
        let whole = Array(text.utf8)
        #expect(ValidatedToken(document: whole) != nil)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: index)
                }
            }
            let token = ValidatedToken(document: bytes)
            #expect(token.map { !$0.user.isEmpty } ?? true)
        }
        for count in 0..<whole.count { #expect(ValidatedToken(document: Array(whole.prefix(count))) == nil) }
    }

    // MARK: - Service token

    private static func validated(until seconds: Int64) -> ValidatedToken {
        ValidatedToken(user: "u", expiry: Self.time(seconds))
    }

    @Test func `The service token is used until shortly before its end`() throws {
        let token = try #require(KeystoneToken("s"))
        var state = ServiceTokenState()
        #expect(state.step(replacing: nil, at: Self.time(0)) == .login)
        state.loggedIn(token, of: Self.validated(until: 3600), at: Self.time(0))
        #expect(state.step(replacing: nil, at: Self.time(3569)) == .use(token))
        #expect(state.step(replacing: nil, at: Self.time(3570)) == .login)
        // One with a short life is used for half of it.
        state.loggedIn(token, of: Self.validated(until: 110), at: Self.time(100))
        #expect(state.step(replacing: nil, at: Self.time(104)) == .use(token))
        #expect(state.step(replacing: nil, at: Self.time(105)) == .login)
    }

    @Test func `A service token that was refused is replaced, and only that one`() throws {
        let (old, new) = (try #require(KeystoneToken("old")), try #require(KeystoneToken("new")))
        var state = ServiceTokenState()
        state.loggedIn(old, of: Self.validated(until: 3600), at: Self.time(0))
        #expect(state.step(replacing: old, at: Self.time(1)) == .login)
        state.loggedIn(new, of: Self.validated(until: 3600), at: Self.time(1))
        #expect(state.step(replacing: old, at: Self.time(1)) == .use(new))
    }

    @Test func `After a refused login there is a pause, longer with each`() {
        var state = ServiceTokenState()
        var now = Self.time(0)
        for pause: Int64 in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            state.loginRefused(at: now)
            #expect(state.step(replacing: nil, at: now.adding(milliseconds: pause - 1)) == .refused)
            now = now.adding(milliseconds: pause)
            #expect(state.step(replacing: nil, at: now) == .login)
        }
    }
}
