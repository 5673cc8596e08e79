import Domain
import Signing
import Testing

struct SignedURLTests {
    struct Vector: Sendable {
        let key: String
        let paths: [String]
        let methods: [String]
        let project: String?
        let expires: String
        let text: String
        let signature: String
    }

    static let vectors = [
        Vector(
            key: "s3cret", paths: ["/v2/queues/orders/messages"], methods: ["POST", "GET"],
            project: "5f705c50a39e4b3c8d5e1c2f1c0d9e7a", expires: "2031-12-31T23:59:59",
            text: #"/v2/queues/orders/messages\nGET,POST\n5f705c50a39e4b3c8d5e1c2f1c0d9e7a\n2031-12-31T23:59:59"#,
            signature: "2d89834d354b06902226527bf8c2eef8b1caaf8de2bc2e5133c3888507762d57"),
        Vector(
            key: "s3cret",
            paths: ["/v2/queues/orders/subscriptions", "/v2/queues/orders/claims", "/v2/queues/orders/messages"],
            methods: ["PUT", "DELETE", "GET"], project: "p", expires: "2031-12-31T23:59:59+02:00",
            text: "/v2/queues/orders/claims,/v2/queues/orders/messages,/v2/queues/orders/subscriptions"
                + #"\nDELETE,GET,PUT\np\n2031-12-31T21:59:59"#,
            signature: "48286a8b4097aa8f43bcb0e8df8e5db8ab42d54f856832112dad1fecc8d91901"),
        Vector(
            key: "s3cret", paths: ["/v2/queues/orders/subscriptions/0f7d5c6e/confirm"], methods: ["PUT"], project: "p",
            expires: "2031-12-31 23:59:59",
            text: #"/v2/queues/orders/subscriptions/0f7d5c6e/confirm\nPUT\np\n2031-12-31T23:59:59"#,
            signature: "3778a9404fd7f4825c248dabb9574bde4b13a7e0a1006ef87238c591533e529c"),
        Vector(
            key: "test", paths: ["/v2/queues/shared/messages"], methods: ["POST"], project: "my-project",
            expires: "2030-01-01T00:00:00",
            text: #"/v2/queues/shared/messages\nPOST\nmy-project\n2030-01-01T00:00:00"#,
            signature: "e39eb8932f51af480386dd80c2feb6074d316e90102352cbfb6fa3ff30dc59d8"),
        Vector(
            key: "secret", paths: ["/v2/queues/demo/subscriptions", "/v2/queues/demo/messages"],
            methods: ["GET", "POST"], project: "7e55e1a7e", expires: "2030-01-01",
            text: "/v2/queues/demo/messages,/v2/queues/demo/subscriptions"
                + #"\nGET,POST\n7e55e1a7e\n2030-01-01T00:00:00"#,
            signature: "724c9f23bba8c9b4174829a9a9e06797dd443521d2e59bf5c9fc58143c71284c"),
        Vector(
            key: "notreallysecret",
            paths: ["/v2/queues/q1/subscriptions/0f7a2a3e-0000-4000-8000-000000000001/confirm"], methods: ["PUT"],
            project: "518b51ea133c4facadae42c328d6b77b", expires: "2030-01-01T00:00:00Z",
            text: #"/v2/queues/q1/subscriptions/0f7a2a3e-0000-4000-8000-000000000001/confirm\nPUT\n"#
                + #"518b51ea133c4facadae42c328d6b77b\n2030-01-01T00:00:00"#,
            signature: "afa7e5bb9bf918fd906f392df3e2d28597c3c4b4363747123854a608ef96ae4d"),
    ]

    @Test(arguments: vectors)
    func `Paths, methods, project and expiry sign to fixed vectors (U-9)`(vector: Vector) throws {
        let url = SignedURL(
            paths: vector.paths, methods: vector.methods, project: vector.project,
            expiry: try #require(SignedURLExpiry(vector.expires)))
        #expect(url.canonicalText == vector.text)
        #expect(url.signature(key: try #require(SignedURLKey(vector.key))) == vector.signature)
    }

    @Test func `A missing project signs as the text None (U-9)`() throws {
        let url = SignedURL(
            paths: ["/a"], methods: ["GET"], project: nil, expiry: try #require(SignedURLExpiry(seconds: 0)))
        #expect(url.canonicalText == #"/a\nGET\nNone\n1970-01-01T00:00:00"#)
    }

    let now = Timestamp(milliseconds: 1_700_000_000_999)
    let keys = ["new", "old"].compactMap(SignedURLKey.init)

    private func url(expires: Int64 = 1_700_000_001) throws -> SignedURL {
        SignedURL(
            paths: ["/v2/queues/a.b/messages"], methods: ["GET", "POST"], project: "p",
            expiry: try #require(SignedURLExpiry(seconds: expires)))
    }

    private func admits(
        _ url: SignedURL, _ signature: String, method: String = "GET", path: String = "/v2/queues/a.b/messages"
    ) -> Bool {
        url.admits(signature, method: method, path: path, keys: self.keys, now: self.now)
    }

    @Test func `A signature of any current key opens the path and what lies below it (U-4, U-5)`() throws {
        let url = try self.url()
        for key in self.keys {
            #expect(self.admits(url, url.signature(key: key)))
            #expect(self.admits(url, url.signature(key: key), method: "POST", path: "/v2/queues/a.b/messages/1"))
        }
        #expect(
            !url.admits(url.signature(key: self.keys[0]), method: "GET", path: url.paths[0], keys: [], now: self.now))
    }

    @Test(arguments: [
        "/v2/queues/aXb/messages", "/v2/queues/a.b/messagesX", "/v2/queues/a.b", "/x/v2/queues/a.b/messages",
        "/v2/queues/a%2Eb/messages",
    ])
    func `A path is taken literally, never as a pattern (O-4)`(path: String) throws {
        let url = try self.url()
        #expect(!self.admits(url, url.signature(key: self.keys[0]), path: path))
    }

    @Test(arguments: ["get", "PUT", "", "GET,POST"])
    func `Only a signed method is admitted, in its exact spelling (U-6)`(method: String) throws {
        let url = try self.url()
        #expect(!self.admits(url, url.signature(key: self.keys[0]), method: method))
    }

    @Test func `A cut, empty, upper-case or foreign signature is not admitted (U-8)`() throws {
        let url = try self.url()
        let signature = url.signature(key: self.keys[0])
        let foreign = url.signature(key: try #require(SignedURLKey("else")))
        for wrong in [String(signature.dropLast()), "", signature.uppercased(), signature + "0", foreign] {
            #expect(!self.admits(url, wrong))
        }
    }

    @Test func `The reason why a URL does not admit a request is known`() throws {
        let (url, path) = (try self.url(), "/v2/queues/a.b/messages")
        let signature = url.signature(key: self.keys[0])
        func refusal(
            _ url: SignedURL, _ signature: String, method: String = "GET", path: String = path, keys: [SignedURLKey]
        ) -> SignedURLRefusal? {
            url.refusal(signature, method: method, path: path, keys: keys, now: self.now)
        }
        #expect(refusal(url, signature, keys: self.keys) == nil)
        #expect(refusal(url, signature, method: "PUT", keys: self.keys) == .method)
        #expect(refusal(url, signature, path: "/v2/queues", keys: self.keys) == .path)
        #expect(refusal(url, signature, keys: []) == .noKey)
        #expect(refusal(url, "", keys: self.keys) == .signature)
        let past = try self.url(expires: 1_700_000_000)
        #expect(refusal(past, past.signature(key: self.keys[0]), keys: self.keys) == .expired)
    }

    @Test func `A URL ends with its second (U-6)`() throws {
        let past = try self.url(expires: 1_700_000_000)
        #expect(!self.admits(past, past.signature(key: self.keys[0])))
    }
}
