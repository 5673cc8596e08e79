import Domain
import Foundation
import HTTPClient
import Keystone
import TestKit
import Testing

/// A real Keystone that fails in each way, and what it is spared.
@Suite(.serialized)
struct KeystoneTroubleTests {
    @Test func `Without Keystone known tokens go on, and of others nothing is said`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withParts(keystone) { parts async throws in
            let (known, other) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
            #expect(try await parts.validated(known) != nil && parts.validator.trouble == nil)
            await keystone.stop()
            #expect(try await parts.validated(known) != nil)
            let trouble = try await parts.trouble(other)
            #expect(trouble == .unreachable(.connect) && parts.validator.trouble == trouble)
            #expect(try await parts.trouble("malformed") == .unreachable(.connect))
            try await keystone.restart()
            #expect(try await parts.validated(other) != nil && parts.validator.trouble == nil)
            #expect(try await parts.validated("malformed") == nil)
        }
    }

    @Test func `A request whose connection ends is repeated, so many times`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        for (count, holds) in [(3, true), (20, false)] {
            try await withParts(keystone) { parts async throws in
                let (known, token) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
                // So that there is a service token.
                #expect(try await parts.validated(known) != nil)
                try keystone.set(.close(count))
                if holds {
                    #expect(try await parts.validated(token) != nil)
                } else {
                    #expect(try await parts.trouble(token) == .unreachable(.closed))
                    #expect(try keystone.validations(of: token) >= 4)
                }
                try keystone.set(nil)
            }
        }
    }

    @Test(arguments: [500, 503, 429, 403, 302, 204])
    func `A status that says nothing about a token is no answer`(status: Int) async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withParts(keystone) { parts async throws in
            let (known, other) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
            #expect(try await parts.validated(known) != nil)
            try keystone.set(.status(status))
            #expect(try await parts.validated(known) != nil)
            #expect(try await parts.trouble(other) == .status(status))
            try keystone.set(nil)
            #expect(try await parts.validated(other) != nil)
        }
    }

    @Test(arguments: [400, 414, 431])
    func `A token that the server of Keystone does not take does not hold`(status: Int) async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withParts(keystone) { parts async throws in
            let (known, other) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
            #expect(try await parts.validated(known) != nil)
            try keystone.set(.status(status))
            #expect(try await parts.validated(other) == nil && parts.validator.trouble == nil)
            try keystone.set(nil)
        }
        // Of the login it says nothing about the token of a caller.
        try await withParts(keystone) { parts async throws in
            let token = try await keystone.token(of: "reader")
            try keystone.set(.status(status))
            #expect(try await parts.trouble(token) == .status(status))
            try keystone.set(nil)
        }
    }

    @Test func `A Keystone that does not answer costs no more than the timeout`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withParts(keystone, timeout: .milliseconds(500)) { parts async throws in
            let token = try await keystone.token(of: "member")
            try keystone.set(.hold)
            #expect(try await parts.trouble(token) == .late)
            try keystone.set(nil)
        }
    }

    @Test func `A service token that is refused is replaced once, and then nothing is said`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withParts(keystone, lifetime: .zero) { parts async throws in
            let token = try await keystone.token(of: "member")
            #expect(try await parts.validated(token) != nil)
            let before = try keystone.requests().count
            // The service token and the caller's are both gone: the one is made anew, the other does not hold.
            try keystone.replaceKeys()
            #expect(try await parts.validated(token) == nil)
            let requests = try keystone.requests().dropFirst(before)
            #expect(requests.map(\.status) == [401, 201, 404])
            #expect(try await parts.validated(keystone.token(of: "member")) != nil)
            try keystone.set(.status(401))
            #expect(try await parts.trouble(token) == .loginRefused)
            try keystone.set(nil)
            let isBack = try await eventually { try? await parts.validated(keystone.token(of: "member")) }
            #expect(isBack != nil)
        }
    }

    @Test func `A password that was changed is trouble, and over when it is changed back`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withParts(keystone, lifetime: .zero) { parts async throws in
            let token = try await keystone.token(of: "member")
            #expect(try await parts.validated(token) != nil)
            // Keystone revokes the tokens of a user whose password changes.
            try await keystone.setPassword(of: "herald", to: "another")
            #expect(try await parts.trouble(token) == .loginRefused)
            let count = try keystone.requests().count(where: \.isLogin)
            for _ in 0..<20 { #expect(try await parts.trouble(token) == .loginRefused) }
            #expect(try keystone.requests().count(where: \.isLogin) <= count + 1, "the user would be locked")
            try await keystone.setPassword(of: "herald", to: KeystoneServer.password)
            let isBack = try await eventually { try? await parts.validated(token) }
            #expect(isBack != nil)
        }
        try await withParts(keystone, password: "wrong") { parts async throws in
            #expect(try await parts.trouble(keystone.token(of: "member")) == .loginRefused)
        }
    }

    // MARK: - Load

    @Test func `One validation and one login for all that wait, and none for what is known`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withParts(keystone) { parts async throws in
            let token = try await keystone.token(of: "member")
            let before = try keystone.requests().count
            try await withThrowingTaskGroup(of: ValidatedToken?.self) { group in
                for _ in 0..<200 { group.addTask { try await parts.validated(token) } }
                for try await validated in group { #expect(validated != nil) }
            }
            let requests = try keystone.requests().dropFirst(before)
            #expect(requests.count(where: \.isValidation) == 1 && requests.count(where: \.isLogin) == 1)
            // A rejection is not kept, and is asked about again.
            for _ in 0..<2 { #expect(try await parts.validated("malformed") == nil) }
            let later = try keystone.requests().dropFirst(before)
            #expect(later.count(where: \.isValidation) == 3 && later.count(where: \.isLogin) == 1)
        }
    }

    // MARK: - TLS

    @Test func `Keystone's certificate has to be signed by the authorities of the file`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        let secure = keystone.secure(.valid)
        let token = try await keystone.token(of: "member")
        try await withParts(keystone, url: secure.url, authorities: secure.authorities) { parts async throws in
            #expect(try await parts.validated(token) != nil)
        }
        // Those of the system do not know it.
        try await withParts(keystone, url: secure.url) { parts async throws in
            #expect(try await parts.trouble(token) == .unreachable(.tls))
        }
        try await withParts(keystone, url: secure.url, authorities: "/nowhere.pem") { parts async throws in
            #expect(try await parts.trouble(token) == .unreachable(.tls))
        }
    }

    @Test(arguments: [TestRelay.Certificate.otherName, .expired])
    func `A certificate of another name, or of the past, is refused`(certificate: TestRelay.Certificate) async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        let token = try await keystone.token(of: "member")
        let secure = keystone.secure(certificate)
        try await withParts(keystone, url: secure.url, authorities: secure.authorities) { parts async throws in
            #expect(try await parts.trouble(token) == .unreachable(.tls))
        }
    }
}
