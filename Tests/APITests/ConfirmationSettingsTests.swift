import API
import Domain
import Operations
import Settings
import TestKit
import Testing

/// The settings of confirmations and of the subscribers that are allowed.
struct ConfirmationSettingsTests {
    private func settings(_ flags: [Setting: String]) throws -> APISettings {
        let own: [Setting: String] = [Setting.masterKey: RunningAPI.masterKey]
        return try APISettings(
            SettingReader(for: .api, flags: flags.merging(own) { flag, _ in flag }, environment: [:]))
    }

    @Test func `No subscriber is asked unless that is set`() throws {
        #expect(try self.settings([Setting.signedURLKeys: "newest,older"]).confirmation == nil)
        let asking: [Setting: String] = [Setting.signedURLKeys: "newest,older", Setting.confirmationRequired: "true"]
        #expect(try self.settings(asking).confirmation != nil)
    }

    @Test func `T-10: who is to ask and cannot sign does not start`() {
        #expect {
            try self.settings([Setting.confirmationRequired: "true"])
        } throws: { error in
            "\(error)".contains("confirmation.required") && "\(error)".contains("signed.url.keys")
        }
    }

    @Test(arguments: [
        ("https://m.example", "https://m.example"), ("https://m.example/", "https://m.example"),
        ("http://[::1]:8888/messaging/", "http://[::1]:8888/messaging"),
    ])
    func `The address of the API in confirmations is what was set, its path too`(given: String, used: String) throws {
        let settings = try self.settings([
            Setting.signedURLKeys: "newest", Setting.confirmationRequired: "true", Setting.apiPublicURL: given,
        ])
        #expect(settings.confirmation?.publicURL == used)
    }

    @Test(arguments: [
        "m.example", "ftp://m.example", "https://", "https:///v2", "https://m.example/?a=b", "https://m/#a",
    ])
    func `An address that is no root of an API stops the start`(url: String) {
        #expect(throws: SettingError.self) { try self.settings([Setting.apiPublicURL: url]) }
    }

    @Test func `The kinds of subscriber are those that were set, else web addresses, and mail where it is sent`() throws
    {
        #expect(try self.settings([:]).options.subscriberSchemes == [.http, .https])
        for setting in [Setting.emailRelay, Setting.emailCommand] {
            let options = try self.settings([
                setting: "smtp://relay.example", Setting.apiPublicURL: "https://m.example",
            ]).options
            #expect(options.subscriberSchemes == [.http, .https, .mailto] && options.sendsMail)
        }
        #expect(try self.settings([Setting.apiSubscriberTypes: "mailto"]).options.subscriberSchemes == [.mailto])
        #expect(try self.settings([Setting.apiSubscriberTypes: "https"]).options.subscriberSchemes == [.https])
        for types in ["gopher", "https,trust+https", "HTTPS"] {
            #expect(throws: SettingError.self, "\(types)") { try self.settings([Setting.apiSubscriberTypes: types]) }
        }
    }

    @Test func `A kind of subscriber that was not set is refused, created and patched`() async throws {
        var options = APIOptions()
        options.subscriberSchemes = [.https]
        try await withAPI(options: options) { api async throws in
            let (client, path) = (api.client(), "/v2/queues/orders/subscriptions")
            let refused = try await client.post(path, #"{"subscriber": "mailto:a@example.com"}"#)
            #expect(refused.status == 400 && refused.words.contains("https") && !refused.words.contains("mailto"))
            let made = try await client.post(path, #"{"subscriber": "https://a/"}"#)
            #expect(made.status == 201)
            let id = try #require(made.json["subscription_id"] as? String)
            #expect(try await client.patch("\(path)/\(id)", #"{"subscriber": "http://a/"}"#).status == 400)
            #expect(try await client.patch("\(path)/\(id)", #"{"subscriber": "https://b/"}"#).status == 204)
        }
    }
}
