import API
import Domain
import Foundation
import Mail
import Operations
import Signing
import Store
import TestKit
import Testing

/// The pages where subscribers confirm and leave, over HTTP.
struct LinkPageTests {
    private static let key = "a key of sixteen and more characters"
    private static let address = "mailto:jo@example.com"

    /// One subscription, and the links its subscriber was sent.
    private struct Subscribed {
        let api: RunningAPI
        let client: APIClient
        let queue: QueueAddress
        let id: SubscriptionID
        let keys: LinkKeys

        func token(
            _ purpose: LinkToken.Purpose, expiry: Int64? = nil, address: String = LinkPageTests.address,
            queue: QueueAddress? = nil, id: SubscriptionID? = nil
        ) throws -> String {
            let token = LinkToken(
                purpose, of: id ?? self.id, in: queue ?? self.queue, sentTo: address, expiry: expiry)
            return try #require(self.keys.seal(token))
        }

        var isConfirmed: Bool {
            get async throws { try #require(try await self.read()).confirmed }
        }

        func read() async throws -> Subscription? {
            try await self.api.store.subscriptions.get(self.queue, id: self.id)
        }

        /// All that a link may change; the age goes on by itself.
        func state() async throws -> [String] {
            guard let read = try await self.read() else { return [] }
            return [
                read.subscriber, "\(read.confirmed)", "\(read.version)", "\(read.secret)", "\(read.barredLinkExpiry)",
                "\(read.isAsked)",
            ]
        }

        /// Without any header of a client of the API.
        func send(
            _ method: String, _ path: String, _ body: String? = nil,
            type: String? = "application/x-www-form-urlencoded"
        ) async throws -> HTTPReply {
            let headers = body == nil ? [] : type.map { [("Content-Type", $0)] } ?? []
            return try await HTTPCaller(self.api.address).send(method, path, headers: headers, body: body)
        }
    }

    private func withSubscription(
        project: String = "a project", pages: PageRules = PageRules(), _ body: (Subscribed) async throws -> Void
    ) async throws {
        try await withAPI(signedURLKeys: [Self.key], pages: pages) { api async throws in
            let client = api.client(project: project)
            let made = try await client.post(
                "/v2/queues/alerts/subscriptions", #"{"subscriber": "\#(Self.address)", "ttl": 3600}"#)
            #expect(made.status == 201)
            let id = try #require((made.json["subscription_id"] as? String).flatMap(SubscriptionID.init))
            let queue = QueueAddress(project: try ProjectID(project), name: try QueueName("alerts"))
            try await body(
                Subscribed(
                    api: api, client: client, queue: queue, id: id,
                    keys: LinkKeys(masterKey: try MasterKey(RunningAPI.masterKey))))
        }
    }

    private static let future: Int64 = 4_000_000_000

    @Test func `Showing a page changes nothing, only its button does`() async throws {
        try await self.withSubscription { subscribed async throws in
            let confirm = "/confirm?token=\(try subscribed.token(.confirm, expiry: Self.future))"
            let leave = "/unsubscribe?token=\(try subscribed.token(.unsubscribe))"
            let before = try await subscribed.state()
            for path in [confirm, leave] {
                let page = try await subscribed.send("GET", path)
                #expect(page.status == 200 && page.text.contains("alerts") && page.text.contains("jo@example.com"))
                #expect(page.text.contains("a project") && page.text.contains("<button"))
                let head = try await subscribed.send("HEAD", path)
                #expect(head.status == 200 && head.body.isEmpty)
                #expect(head["Content-Length"] == page["Content-Length"])
                #expect(try await subscribed.send("OPTIONS", path)["Allow"] == "GET, HEAD, POST")
                for method in ["PUT", "DELETE", "PATCH"] {
                    #expect(try await subscribed.send(method, path).status == 405)
                }
                for body in [nil, "", "answer=", "answer=yes", "List-Unsubscribe=Two-Click", "x"] {
                    #expect(try await subscribed.send("POST", path, body).status == 400, "\(body ?? "none")")
                }
            }
            #expect(try await subscribed.send("POST", confirm, "List-Unsubscribe=One-Click").status == 400)
            #expect(try await subscribed.send("POST", confirm, "answer=unsubscribe").status == 400)
            #expect(try await subscribed.send("POST", leave, "answer=confirm").status == 400)
            #expect(try await subscribed.state() == before)

            let confirmed = try await subscribed.send("POST", confirm, "answer=confirm")
            #expect(confirmed.status == 200 && confirmed.text.contains("You are subscribed"))
            #expect(try await subscribed.isConfirmed)
            #expect(try await subscribed.send("POST", confirm, "answer=confirm").status == 200)
            _ = try await subscribed.send("GET", leave)
            #expect(try await subscribed.isConfirmed)
            let left = try await subscribed.send("POST", leave, "answer=unsubscribe")
            #expect(left.status == 200 && left.text.contains("You are unsubscribed"))
            #expect(try await !subscribed.isConfirmed)
        }
    }

    @Test(arguments: [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        ("Application/X-WWW-Form-URLencoded; charset=utf-8", "a=b&List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=------abc",
            "--------abc\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--------abc--\r\n"
        ),
        (
            "multipart/form-data; charset=utf-8; Boundary=\"x y\"",
            "ignored\r\n--x y\r\ncontent-disposition: form-data; name=other\r\n\r\n1\r\n--x y\r\nContent-Type: text/plain\r\n"
                + "Content-Disposition: form-data; name=List-Unsubscribe\r\n\r\nOne-Click\r\n--x y--"
        ),
    ])
    func `One click of a mail program is enough, as often as it comes (RFC 8058)`(
        type: String, body: String
    ) async throws {
        try await self.withSubscription { subscribed async throws in
            let confirm = "/confirm?token=\(try subscribed.token(.confirm, expiry: Self.future))"
            let leave = "/unsubscribe?token=\(try subscribed.token(.unsubscribe))"
            _ = try await subscribed.send("POST", confirm, "answer=confirm")
            for _ in 0..<3 {
                #expect(try await subscribed.send("POST", leave, body, type: type).status == 200)
                #expect(try await !subscribed.isConfirmed)
            }
            #expect(
                try await subscribed.client.delete("/v2/queues/alerts/subscriptions/\(subscribed.id)").status == 204)
            let gone = try await subscribed.send("POST", leave, body, type: type)
            #expect(gone.status == 200 && gone.text.contains("has ended"))
        }
    }

    @Test(arguments: [
        ("multipart/form-data", "--a\r\n"), ("multipart/form-data; boundary=a", "--a\r\nx"),
        ("multipart/form-data; boundary=a", "--a\r\n\r\n\r\nOne-Click\r\n--a--"), ("text/plain", "answer=unsubscribe"),
        ("multipart/form-data; boundary=\(String(repeating: "b", count: 71))", "--b--"),
        ("application/json", #"{"answer": "unsubscribe"}"#), ("", "answer=unsubscribe"),
        (
            "application/x-www-form-urlencoded",
            (0..<40).map { "f\($0)=1" }.joined(separator: "&") + "&answer=unsubscribe"
        ),
        ("application/x-www-form-urlencoded", "answer=unsubscribe&x=" + String(repeating: "y", count: 16_384)),
    ])
    func `A form that none of the pages sends is a bad request, and changes nothing`(
        type: String, body: String
    ) async throws {
        try await self.withSubscription { subscribed async throws in
            #expect(try await subscribed.api.store.subscriptions.confirm(subscribed.queue, id: subscribed.id, true))
            let reply = try await subscribed.send(
                "POST", "/unsubscribe?token=\(try subscribed.token(.unsubscribe))", body, type: type)
            #expect(reply.status == 400 && reply["Content-Type"] == "text/html; charset=utf-8")
            #expect(try await subscribed.isConfirmed)
        }
    }

    @Test func `After leaving, the page offers the way back, and no link from before brings back`() async throws {
        try await self.withSubscription { subscribed async throws in
            let ask = ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: Self.address, at: subscribed.api.time.now, ttl: 600,
                linkExpiry: Self.future, document: [])
            _ = try await subscribed.api.store.subscriptions.requestConfirmation(
                subscribed.queue, id: subscribed.id, ask)
            let confirm = "/confirm?token=\(try subscribed.token(.confirm, expiry: Self.future))"
            #expect(try await subscribed.send("POST", confirm, "answer=confirm").status == 200)
            let left = try await subscribed.send(
                "POST", "/unsubscribe?token=\(try subscribed.token(.unsubscribe))", "answer=unsubscribe")
            let replayed = try await subscribed.send("POST", confirm, "answer=confirm")
            #expect(replayed.status == 404 && replayed.text.contains("no longer counts"))
            #expect(try await !subscribed.isConfirmed)

            let target = try #require(left.text.firstMatch(of: /action="(confirm\?token=[^"]*)"/)?.1)
            #expect(try await subscribed.send("GET", "/\(target)").status == 200)
            #expect(try await !subscribed.isConfirmed)
            let back = try await subscribed.send("POST", "/\(target)", "answer=confirm")
            #expect(back.status == 200)
            #expect(try await subscribed.isConfirmed)
            let again = try #require(back.text.firstMatch(of: /href="(unsubscribe\?token=[^"]*)"/)?.1)
            #expect(try await subscribed.send("POST", "/\(again)", "List-Unsubscribe=One-Click").status == 200)
            #expect(try await !subscribed.isConfirmed)
        }
    }

    @Test func `A link that is wrong, expired or of another address says so, and changes nothing`() async throws {
        try await self.withSubscription { subscribed async throws in
            #expect(try await subscribed.api.store.subscriptions.confirm(subscribed.queue, id: subscribed.id, true))
            let before = try await subscribed.state()
            let good = try subscribed.token(.unsubscribe)
            let unknown = try #require(SubscriptionID("0123456789abcdefghjkmnpqrst"))
            let stranger = QueueAddress(project: try ProjectID("b"), name: try QueueName("alerts"))
            let otherKeys = LinkKeys(masterKey: try MasterKey(String(repeating: "ff", count: 32)))
            let foreign = try #require(
                otherKeys.seal(
                    LinkToken(.unsubscribe, of: subscribed.id, in: subscribed.queue, sentTo: Self.address)))
            let rows: [(path: String, status: Int, words: String)] = [
                ("/unsubscribe", 400, "Something is missing"), ("/unsubscribe?tokens=\(good)", 400, "missing"),
                ("/unsubscribe?token=", 404, "not valid"), ("/unsubscribe?token=\(good)x", 404, "not valid"),
                ("/unsubscribe?token=\(good.dropLast())", 404, "not valid"),
                ("/unsubscribe?token=\(foreign)", 404, "not valid"), ("/confirm?token=\(good)", 404, "not valid"),
                (
                    "/unsubscribe?token=\(try subscribed.token(.confirm, expiry: Self.future))", 404, "not valid"
                ),
                ("/unsubscribe?token=%3Cscript%3E", 404, "not valid"),
                ("/confirm?token=\(try subscribed.token(.confirm, expiry: 1_000))", 404, "expired"),
                (
                    "/unsubscribe?token=\(try subscribed.token(.unsubscribe, address: "mailto:b@example.com"))", 404,
                    "no longer counts"
                ),
                ("/unsubscribe?token=\(try subscribed.token(.unsubscribe, queue: stranger))", 404, "has ended"),
                ("/unsubscribe?token=\(try subscribed.token(.unsubscribe, id: unknown))", 404, "has ended"),
                ("/unsubscribe?" + (0..<40).map { "a\($0)=b" }.joined(separator: "&"), 400, "missing"),
            ]
            for row in rows {
                let page = try await subscribed.send("GET", row.path)
                #expect(page.status == row.status && page.text.contains(row.words), "\(row.path)")
                #expect(!page.text.contains("jo@example.com") && !page.text.contains("<script"))
            }
            for row in rows where row.words != "has ended" {
                let answer = row.path.hasPrefix("/confirm") ? "confirm" : "unsubscribe"
                #expect(
                    try await subscribed.send("POST", row.path, "answer=\(answer)").status == row.status, "\(row.path)")
            }
            #expect(try await subscribed.state() == before)
        }
    }

    @Test func `Pages have no script, load nothing, and give their address to no other server`() async throws {
        try await self.withSubscription { subscribed async throws in
            let path = "/confirm?token=\(try subscribed.token(.confirm, expiry: Self.future))"
            let (first, second) = (try await subscribed.send("GET", path), try await subscribed.send("GET", path))
            let policy = try #require(first["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(policy.contains("form-action 'self'") && !policy.contains("unsafe"))
            let nonce = try #require(policy.firstMatch(of: /'nonce-([^']+)'/)?.1)
            #expect(first.text.contains("<style nonce=\"\(nonce)\">"))
            #expect(second["Content-Security-Policy"] != policy, "each answer has a nonce of its own")
            #expect(first["Referrer-Policy"] == "no-referrer" && first["Cache-Control"] == "no-store")
            #expect(first["X-Content-Type-Options"] == "nosniff" && first["X-Frame-Options"] == "DENY")
            #expect(first["Set-Cookie"] == nil)
            for word in ["<script", "<img", "<link", "<iframe", "http://", "https://", "onclick"] {
                #expect(!first.text.contains(word), "\(word)")
            }
            #expect(first.text.contains("prefers-color-scheme: dark") && first.text.contains("width=device-width"))
        }
    }

    @Test func `Whatever a project is called, its name is text on a page`() async throws {
        let project = #"</p><script>alert(1)</script>"'&{{ nonce }}{0}"#
        try await self.withSubscription(project: project) { subscribed async throws in
            let path = "/unsubscribe?token=\(try subscribed.token(.unsubscribe))&x=%22%3E%3Cb%3E"
            let page = try await subscribed.send("GET", path)
            #expect(page.status == 200)
            #expect(page.text.contains("&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;{{ nonce }}{0}"))
            #expect(!page.text.contains("<script") && !page.text.contains("<b>"))
            let left = try await subscribed.send("POST", path, "answer=unsubscribe")
            #expect(left.status == 200 && !left.text.contains("<script"))
        }
    }

    // MARK: - Links of the contract

    private func signed(
        _ subscribed: Subscribed, methods: String = "PUT", expires: String = "2096-01-01T00:00:00", extra: String = ""
    ) throws -> String {
        let path = "/v2/queues/alerts/subscriptions/\(subscribed.id)/confirm"
        let url = SignedURL(
            paths: [path], methods: [methods], project: "a project", expiry: try #require(SignedURLExpiry(expires)))
        let signature = url.signature(key: try #require(SignedURLKey(Self.key)))
        return "/confirm?Signature=\(signature)&Methods=\(methods)&Paths=\(path)&Project=a%20project&Expires=\(expires)"
            + "&Url=http://127.0.0.1:1/&Queue=alerts\(extra)"
    }

    @Test func `A link of the contract opens the same pages, and its Url is never called (5.3, 5.4)`() async throws {
        try await self.withSubscription { subscribed async throws in
            let path = try self.signed(subscribed)
            #expect(try await subscribed.send("GET", path).status == 200)
            #expect(try await !subscribed.isConfirmed)
            #expect(try await subscribed.send("POST", path, "answer=confirm").status == 200)
            #expect(try await subscribed.isConfirmed)
            let leave = try self.signed(subscribed, extra: "&Confirm=false")
            let page = try await subscribed.send("GET", leave)
            #expect(page.status == 200 && page.text.contains("Unsubscribe?"))
            #expect(try await subscribed.send("POST", leave, "answer=unsubscribe").status == 200)
            #expect(try await !subscribed.isConfirmed)
        }
    }

    @Test func `Any altered part of a link of the contract is refused`() async throws {
        try await self.withSubscription { subscribed async throws in
            let good = try self.signed(subscribed)
            #expect(try await subscribed.send("GET", good).status == 200)
            let expired = try self.signed(subscribed, expires: "2001-01-01T00:00:00")
            #expect(try await subscribed.send("GET", expired).text.contains("expired"))
            #expect(try await subscribed.send("GET", try self.signed(subscribed, methods: "GET")).status == 404)
            for (part, other) in [
                ("Signature=", "Signature=0"), ("Methods=PUT", "Methods=PUT,GET"), ("/confirm&", "/confirm/&"),
                ("queues/alerts", "queues/alert"), ("Project=a%20project", "Project=b"),
                ("Expires=2096", "Expires=2097"),
                ("Project=a%20project", "Project="), ("Expires=2096", "Expires=x"), ("Paths=/v2", "Paths=/v3"),
            ] {
                let altered = good.replacing(part, with: other)
                #expect(altered != good)
                #expect(try await subscribed.send("GET", altered).status == 404, "\(part)")
                #expect(try await subscribed.send("POST", altered, "answer=confirm").status == 404, "\(part)")
            }
            for name in ["Signature", "Methods", "Paths", "Project", "Expires"] {
                let without = good.replacing("\(name)=", with: "\(name)s=")
                #expect(try await subscribed.send("GET", without).status == 400, "\(name)")
            }
            #expect(try await !subscribed.isConfirmed)
        }
    }

    // MARK: - What an operator sets

    @Test func `Pages are where their prefix says, and nowhere else`() async throws {
        var pages = PageRules()
        pages.prefix = "/mail"
        pages.texts = try TextCatalog(files: ["pages.txt": "language: de\nleave.title: Abmelden von {{ queue }}?"])
        try await self.withSubscription(pages: pages) { subscribed async throws in
            let query = "token=\(try subscribed.token(.unsubscribe))"
            let page = try await subscribed.send("GET", "/mail/unsubscribe?\(query)")
            #expect(page.status == 200 && page.text.contains("Abmelden von alerts?"))
            #expect(page.text.contains("<html lang=\"de\">"))
            for path in [
                "/unsubscribe", "/mail", "/mail/", "/mail/v2/ping", "/mailx/unsubscribe", "/mail/mail/confirm",
            ] {
                #expect(try await subscribed.send("GET", "\(path)?\(query)").status == 404, "\(path)")
            }
            #expect(try await subscribed.send("POST", "/mail/unsubscribe?\(query)", "answer=unsubscribe").status == 200)
        }
    }

    @Test func `A store that is away is said on the page, with the status of the API`() async throws {
        try await self.withSubscription { subscribed async throws in
            let path = "/unsubscribe?token=\(try subscribed.token(.unsubscribe))"
            await subscribed.api.redis.stop()
            let reply = try await subscribed.send("POST", path, "List-Unsubscribe=One-Click")
            #expect(reply.status == 503 && reply.text.contains("try again later"))
            #expect(reply["Content-Type"] == "text/html; charset=utf-8")
        }
    }
}
