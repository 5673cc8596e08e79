import API
import Foundation
import Keystone
import TestKit
import Testing

/// REST while Keystone fails: nothing is admitted that it has not vouched for.
@Suite(.serialized)
struct KeystoneFaultTests {
    @Test func `Without Keystone known tokens go on, and others are 503 with a time`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withKeystone(keystone, timeout: .seconds(5)) { api, parts async throws in
            let (known, other) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
            let isKnown = try await eventually {
                try await api.send("PUT", "/v2/queues/q", token: known).status == 201 ? true : nil
            }
            #expect(isKnown == true)
            func expectTrouble(_ what: String) async throws {
                #expect(try await api.send("GET", "/v2/queues/q", token: known).status == 200, "\(what)")
                try await withThrowingTaskGroup(of: HTTPReply.self) { group in
                    for token in [other, "bad", known + "x"] {
                        let headers = [("X-Project-Id", keystone.project("alpha"))]
                        group.addTask { try await api.send("GET", "/v2/queues", token: token, headers: headers) }
                    }
                    for try await reply in group {
                        #expect(reply.status == 503 && reply["Retry-After"] == "5", "\(what) \(reply)")
                        #expect(reply.title == "Service temporarily unavailable")
                    }
                }
                #expect(parts.validator.trouble != nil)
                // What needs no token is answered, and what has none is 401.
                #expect(try await api.send("GET", "/", token: nil).status == 300)
                #expect(try await api.send("GET", "/v2/queues", token: nil).status == 401)
            }
            for fault in [KeystoneServer.Fault.status(500), .status(429), .hold, .close(1_000_000)] {
                try keystone.set(fault)
                try await expectTrouble("\(fault)")
                try keystone.set(nil)
            }
            await keystone.stop()
            try await expectTrouble("stopped")
            try await keystone.restart()
            for (token, status) in [(other, 200), ("bad", 401)] {
                let last = try await eventually {
                    let reply = try await api.send("GET", "/v2/queues/q", token: token)
                    return reply.status == 503 ? nil : reply.status
                }
                #expect(last == status)
            }
            #expect(parts.validator.trouble == nil)
        }
    }

    @Test func `With other keys in Keystone no token from before is admitted`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withKeystone(keystone, cacheTime: .zero) { api, _ async throws in
            let token = try await keystone.token(of: "member")
            #expect(try await api.send("GET", "/v2/queues", token: token).status == 200)
            try keystone.replaceKeys()
            #expect(try await api.send("GET", "/v2/queues", token: token).status == 401)
            #expect(try await api.send("GET", "/v2/queues", token: keystone.token(of: "member")).status == 200)
        }
    }

    @Test func `A certificate that nothing vouches for admits no token`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        let token = try await keystone.token(of: "member")
        for certificate in TestRelay.Certificate.allCases {
            try await withKeystone(keystone, url: keystone.secure(certificate).url) { api, _ async throws in
                #expect(try await api.send("GET", "/v2/queues", token: token).status == 503)
            }
        }
    }
}
