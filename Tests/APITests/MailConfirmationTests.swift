import API
import Domain
import Foundation
import Mail
import Operations
import Settings
import Signing
import Store
import TestKit
import Testing

/// Confirmations of mail addresses, which do not depend on those of webhooks.
struct MailConfirmationTests {
    private static let key = "a key of sixteen and more characters"
    private let path = "/v2/queues/alerts/subscriptions"

    private static var keys: LinkKeys { get throws { LinkKeys(masterKey: try MasterKey(RunningAPI.masterKey)) } }

    private static func rules(
        external: String? = nil, dailyMax: Int = 20
    ) throws -> MailConfirmationRules {
        let page: MailConfirmationRules.Page =
            if let external {
                .external(url: external, key: try #require(SignedURLKey(self.key)))
            } else {
                .builtIn(LinkPages(root: "https://m.example/base", keys: try self.keys))
            }
        return MailConfirmationRules(page: page, publicURL: "https://m.example/base", dailyMax: dailyMax)
    }

    /// The documents that wait to be sent, and what they are.
    private func questions(_ api: RunningAPI) async throws -> [(kind: NotificationKind, document: [String: Any])] {
        var leases: [Lease] = []
        for shard in 0..<api.store.deliveries.shards {
            leases += try await api.store.deliveries.lease(
                shard, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15)
            ).leases
        }
        return try leases.sorted { $0.position < $1.position }.map { lease in
            let document = try JSONSerialization.jsonObject(with: Data(lease.body)) as? [String: Any]
            return (lease.kind, try #require(document))
        }
    }

    private func subscribe(_ client: APIClient, _ uri: String = "mailto:jo@example.com", to queue: String = "alerts")
        async throws -> String
    {
        let made = try await client.post(
            "/v2/queues/\(queue)/subscriptions", #"{"subscriber": "\#(uri)", "ttl": 200000}"#)
        #expect(made.status == 201)
        return try #require(made.json["subscription_id"] as? String)
    }

    @Test func `A mail address is asked where webhooks are not, by a link that its page confirms`() async throws {
        try await withAPI(mailConfirmation: try Self.rules()) { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let made = try await client.post(self.path, #"{"subscriber": "http://a/"}"#)
            #expect(made.status == 201)
            let questions = try await self.questions(api)
            #expect(questions.map(\.kind) == [.subscriptionConfirmation])
            let document = try #require(questions.first?.document)
            #expect(document.keys.sorted() == ["Link", "Message_Type", "URL-Expires", "X-Project-ID", "queue_name"])
            let link = try #require(document["Link"] as? String)
            let start = "https://m.example/base/confirm?token="
            #expect(link.hasPrefix(start))
            let token = try Self.keys.open(
                String(link.dropFirst(start.count)), for: .confirm, at: Timestamp(milliseconds: 0))
            #expect(token.subscription.text == id && token.queue.name.text == "alerts")
            // A test send waits for it, too.
            #expect(try await client.post("\(self.path)/\(id)/test", "{}").status == 409)

            let target = link.dropFirst("https://m.example/base".count)
            let answer = try await HTTPCaller(api.address).send(
                "POST", String(target), headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: "answer=confirm")
            #expect(answer.status == 200)
            #expect(try await client.get("\(self.path)/\(id)").json["confirmed"] as? Bool == true)
            #expect(try await client.post(self.path, #"{"subscriber": "mailto:jo@example.com"}"#).status == 409)
        }
    }

    @Test func `Another address is asked anew, also after a webhook, and a withdrawal offers the way back`()
        async throws
    {
        try await withAPI(mailConfirmation: try Self.rules()) { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            _ = try await self.questions(api)
            func confirmed() async throws -> Bool? {
                try await client.get("\(self.path)/\(id)").json["confirmed"] as? Bool
            }
            #expect(try await client.put("\(self.path)/\(id)/confirm", #"{"confirmed": true}"#).status == 204)
            #expect(
                try await client.patch("\(self.path)/\(id)", #"{"subscriber": "mailto:b@example.com"}"#).status == 204)
            #expect(try await confirmed() == false)
            #expect(try await self.questions(api).map(\.kind) == [.subscriptionConfirmation])
            #expect(try await client.put("\(self.path)/\(id)/confirm", #"{"confirmed": true}"#).status == 204)
            #expect(try await client.patch("\(self.path)/\(id)", #"{"subscriber": "http://a/"}"#).status == 204)
            #expect(try await confirmed() == true, "webhooks need not confirm here")
            #expect(
                try await client.patch("\(self.path)/\(id)", #"{"subscriber": "mailto:c@example.com"}"#).status == 204)
            #expect(try await confirmed() == false)
            #expect(try await self.questions(api).map(\.kind) == [.subscriptionConfirmation])
            #expect(try await client.put("\(self.path)/\(id)/confirm", #"{"confirmed": false}"#).status == 204)
            api.time.pass(seconds: 60)
            #expect(try await self.questions(api).map(\.kind) == [.unsubscribeConfirmation])
        }
    }

    @Test func `Questions to one address are held back by project and by day, and the delivery status says until when`()
        async throws
    {
        try await withAPI(mailConfirmation: try Self.rules(dailyMax: 3)) { api async throws in
            for (number, uri) in [
                "mailto:jo@example.com", "mailto:Jo@Example.COM?subject=x", "MAILTO:%6ao@example.com",
            ].enumerated() {
                _ = try await self.subscribe(api.client(project: "p\(number)"), uri)
            }
            #expect(try await self.questions(api).count == 3)
            let client = api.client(project: "another")
            let id = try await self.subscribe(client)
            #expect(try await self.questions(api).isEmpty)
            let message = try #require(try await client.postMessages(["1"], to: "alerts").first)
            func status() async throws -> [String: Any] {
                try #require(try await client.get("\(message)/deliveries").objects("deliveries").first)
            }
            let held = try await status()
            #expect(held["subscription_id"] as? String == id && held["state"] as? String == "not_eligible")
            #expect(held["rule"] as? String == "confirmation_held")
            #expect((held["next_due"] as? String)?.isEmpty == false)
            api.time.pass(seconds: 86_400)
            #expect(try await self.questions(api).count == 1)
            #expect(try await status()["rule"] as? String == "unconfirmed")
            #expect(try await status()["next_due"] is NSNull)
        }
    }

    @Test func `T-11: a page outside gets the parameters of the contract, in their order`() async throws {
        for (page, joint) in [("https://p.example/confirm", "?"), ("https://p.example/confirm?lang=de", "&")] {
            try await withAPI(
                signedURLKeys: [Self.key], mailConfirmation: try Self.rules(external: page)
            ) { api async throws in
                let client = api.client(project: "a b,c")
                let id = try await self.subscribe(client)
                let link = try #require(try await self.questions(api).first?.document["Link"] as? String)
                let path = "/v2/queues/alerts/subscriptions/\(id)/confirm"
                let pattern =
                    "\(page)\(joint)Signature=SIGNATURE&Methods=PUT&Paths=\(path)&Project=a%20b%2Cc&Expires=EXPIRES"
                    + "&Url=https://m.example/base\(path)&Queue=alerts"
                let signature = try #require(link.firstMatch(of: /Signature=([0-9a-f]{64})&/)?.1)
                let expires = try #require(link.firstMatch(of: /Expires=([0-9:T-]{19})&/)?.1)
                #expect(
                    link
                        == pattern.replacing("SIGNATURE", with: signature).replacing("EXPIRES", with: expires))
                // The built-in page takes the same parameters.
                let query = link.dropFirst(page.count + 1)
                let answer = try await HTTPCaller(api.address).send(
                    "POST", "/confirm?\(query)", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                    body: "answer=confirm")
                #expect(answer.status == 200)
                #expect(try await client.get("\(self.path)/\(id)").json["confirmed"] as? Bool == true)
            }
        }
    }

    @Test func `A project whose id does not fit into a link is refused with the reason`() async throws {
        try await withAPI(mailConfirmation: try Self.rules()) { api async throws in
            let client = api.client(project: String(repeating: "é", count: 193))
            let refused = try await client.post(self.path, #"{"subscriber": "mailto:jo@example.com"}"#)
            #expect(refused.status == 400 && refused.words.contains("384"))
            #expect(try await client.post(self.path, #"{"subscriber": "http://a/"}"#).status == 201)
        }
    }

    // MARK: - Settings

    private func settings(_ flags: [Setting: String]) throws -> APISettings {
        let own: [Setting: String] = [Setting.masterKey: RunningAPI.masterKey]
        return try APISettings(
            SettingReader(for: .api, flags: flags.merging(own) { flag, _ in flag }, environment: [:]))
    }

    @Test func `Mail addresses confirm unless an operator says otherwise, whatever webhooks do`() throws {
        #expect(try self.settings([:]).mailConfirmation != nil)
        #expect(try self.settings([:]).confirmation == nil)
        #expect(try self.settings([Setting.emailConfirmation: "false"]).mailConfirmation == nil)
        let both = try self.settings([
            Setting.apiPublicURL: "https://m.example/x/", Setting.emailPagesPrefix: "/mail",
            Setting.emailConfirmationsDaily: "7",
        ])
        #expect(both.mailConfirmation?.dailyMax == 7 && both.pages.prefix == "/mail")
        guard case .builtIn(let pages) = both.mailConfirmation?.page else {
            Issue.record("the pages of the API are not used")
            return
        }
        #expect(pages.root == "https://m.example/x/mail")
    }

    @Test func `Where mail can be sent and no page is known, the start says what is missing`() throws {
        let relay = [Setting.emailRelay: "smtp://127.0.0.1"]
        #expect { try self.settings(relay) } throws: { "\($0)".contains("api.public.url") }
        for other in [
            [Setting.emailConfirmation: "false"], [Setting.apiPublicURL: "https://m.example"],
            [Setting.emailConfirmationURL: "https://p.example", Setting.signedURLKeys: "a-key-of-enough-characters"],
        ] {
            #expect(throws: Never.self) { try self.settings(relay.merging(other) { $1 }) }
        }
    }

    @Test(arguments: [
        (Setting.emailPagesPrefix, "mail"), (Setting.emailPagesPrefix, "/mail/"), (Setting.emailPagesPrefix, "/v2/x"),
        (Setting.emailPagesPrefix, "/v2"), (Setting.emailPagesPrefix, "/a b"), (Setting.emailPagesPrefix, "//a"),
        (Setting.emailConfirmationURL, "ftp://a/"), (Setting.emailConfirmationURL, "https://a/#x"),
        (Setting.emailConfirmationURL, "https://"), (Setting.emailLinkKeys, "short"),
        (Setting.apiPublicURL, "https://\(String(repeating: "a", count: 175))"),
        (Setting.emailTemplates, "/nowhere/at/all"),
    ])
    func `A value that no link could be made with stops the start`(setting: Setting, value: String) {
        #expect {
            try self.settings([setting: value, Setting.signedURLKeys: "a-key-of-enough-characters"])
        } throws: { "\($0)".contains(setting.name) }
    }

    @Test func `A page outside takes a key that signs its links`() {
        #expect {
            try self.settings([Setting.emailConfirmationURL: "https://a/"])
        } throws: { "\($0)".contains("signed.url.keys") }
    }

    @Test func `A folder of texts is read and checked, and hidden files are not`() async throws {
        try await withTemporaryFolder { folder in
            func write(_ name: String, _ text: String) throws {
                try Data(text.utf8).write(to: folder.appendingPathComponent(name))
            }
            try write(".hidden", "{{ nothing }}")
            try write("pages.txt", "confirm.button: Ja")
            let flags = [Setting.emailTemplates: folder.path]
            #expect(try self.settings(flags).pages.texts.sentence(.confirmButton) == "Ja")
            try write("footer.html", "{{ nothing }}")
            #expect { try self.settings(flags) } throws: { "\($0)".contains("footer.html") }
            try write("footer.html", "")
            try write("confirmation.md", "x")
            #expect { try self.settings(flags) } throws: { "\($0)".contains("confirmation.md") }
        }
    }
}
