import API
import Domain
import Keystone
import NIOCore
import Operations
import Settings
import Startup
import TestKit
import Testing

/// What an operator decides about authentication.
struct AuthenticationSettingsTests {
    private func settings(_ own: [Setting: String]) throws -> APISettings {
        let flags = [Setting.masterKey: RunningAPI.masterKey].merging(own) { _, own in own }
        return try APISettings(SettingReader(for: .api, flags: flags, environment: [:]))
    }

    @Test(
        arguments: [Setting.apiListen, Setting.apiWebSocketListen], ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "host:80"])
    func `A listener that others reach is refused while nothing is authenticated`(
        listener: Setting, address: String
    ) throws {
        let error = #expect(throws: SettingError.self) { try self.settings([listener: address]) }
        let words = error.map(String.init(describing:)) ?? ""
        #expect(
            words.contains("\(listener.name): '\(address)'") && words.contains("api.allow.unauthenticated"), "\(words)")
        let allowed = try self.settings([listener: address, Setting.apiAllowUnauthenticated: "true"])
        #expect(allowed.authentication.exposed == [ListenAddress(address)])
    }

    @Test func `Loopback needs no leave`() throws {
        let settings = try self.settings([Setting.apiListen: "[::1]:0", Setting.apiWebSocketListen: "localhost:0"])
        #expect(settings.authentication.mode == .none && settings.authentication.exposed.isEmpty)
    }

    // MARK: - What has no effect

    private static let others: [(Setting, String)] = SettingCatalog.settings(of: .api).flatMap { setting in
        if setting.name.hasPrefix("api.keystone.") { return [(setting, "none"), (setting, "keys")] }
        return setting.name.hasPrefix("api.keys.") ? [(setting, "none"), (setting, "keystone")] : []
    }

    @Test(arguments: others)
    func `A setting of another way of authentication is refused, unless it is the default`(
        setting: Setting, auth: String
    ) throws {
        let value = try #require(SettingSamples.value(of: setting))
        let mode = auth == "keystone" ? Self.keystone : [Setting.apiAuth: auth]
        let error = #expect(throws: SettingError.self) { try self.settings(mode.merging([setting: value]) { $1 }) }
        let words = error.map(String.init(describing:)) ?? ""
        let needed = setting.name.hasPrefix("api.keys.") ? "keys" : "keystone"
        #expect(words.hasPrefix("\(setting.name):") && words.hasSuffix("without api.auth: \(needed)"), "\(words)")
        #expect(!setting.isSecret || !words.contains(value))
        if let usual = setting.default {
            let settings = try self.settings(mode.merging([setting: usual]) { $1 })
            #expect(settings.authentication.mode.rawValue == auth)
        }
    }

    @Test func `The project of a first key takes the file of the key`() throws {
        let error = #expect(throws: SettingError.self) {
            try self.settings([Setting.apiAuth: "keys", Setting.apiKeysBootstrapProject: "shop"])
        }
        #expect(
            error.map(String.init(describing:))
                == "api.keys.bootstrap.project: 'shop' has no effect without api.keys.bootstrap.file")
    }

    // MARK: - Keystone

    private static let keystone = [
        Setting.apiAuth: "keystone", Setting.apiKeystoneURL: "https://k.example:5000",
        Setting.apiKeystoneUser: "herald",
        Setting.apiKeystonePassword: "very secret",
    ]

    private func words(_ own: [Setting: String], without missing: [Setting] = []) -> String {
        var settings = Self.keystone.merging(own) { $1 }
        for setting in missing { settings[setting] = nil }
        let given = settings
        let error = #expect(throws: SettingError.self) { try self.settings(given) }
        return error.map(String.init(describing:)) ?? ""
    }

    @Test func `What Keystone takes is named when it is missing`() {
        let all = [Setting.apiKeystoneURL, Setting.apiKeystoneUser, Setting.apiKeystonePassword]
        for setting in all {
            let words = self.words([:], without: [setting])
            #expect(words == "api.auth: 'keystone' takes \(setting.name), not set")
            #expect(self.words([setting: ""]).hasPrefix("\(setting.name): "))
        }
        let names = all.map(\.name).joined(separator: " and ")
        #expect(self.words([:], without: all) == "api.auth: 'keystone' takes \(names), not set")
    }

    @Test(arguments: [
        "keystone.example", "ftp://k.example", "http://", "http://k.example/?a=b", "http://k.example/#a",
        "http://k example",
        "http://k.example/\"", "http://k.example/\r\nX-A: b", "http://k.example:0",
    ])
    func `An address that is none is refused`(url: String) {
        #expect(self.words([Setting.apiKeystoneURL: url]).hasPrefix("api.keystone.url: "))
        #expect(self.words([Setting.apiKeystonePublicURL: url]).hasPrefix("api.keystone.public.url: "))
    }

    @Test func `A file of authorities has to hold a certificate`() {
        #expect(self.words([Setting.apiKeystoneCAFile: "/nowhere.pem"]).contains("No such file"))
        #expect(self.words([Setting.apiKeystoneCAFile: "/etc/hostname"]).contains("holds no certificate"))
        #expect(self.words([Setting.apiKeystoneCAFile: "/etc"]).hasPrefix("api.keystone.ca.file: "))
    }

    @Test func `With Keystone listeners may be anywhere, and the password is shown nowhere`() throws {
        let settings = try self.settings(Self.keystone.merging([Setting.apiListen: "0.0.0.0:0"]) { $1 })
        #expect(settings.authentication.mode == .keystone && settings.authentication.exposed.isEmpty)
        let keystone = try #require(settings.authentication.keystone)
        #expect(keystone.publicURL == "https://k.example:5000" && keystone.account.project == nil)
        #expect(keystone.services.roles == ["service"] && keystone.services.isRequired)
        #expect(!self.words([Setting.apiKeystoneURL: "x"]).contains("very secret"))
    }

    // MARK: - Trustee

    @Test func `A trustee is named whole, and only where users have tokens of Keystone`() throws {
        let whole = [
            Setting.apiKeystoneURL: "https://k.example:5000", Setting.trusteeUser: "t",
            Setting.trusteePassword: "very secret",
        ]
        func words(_ own: [Setting: String], without missing: Setting? = nil) -> String {
            var given = whole.merging(own) { $1 }
            if let missing { given[missing] = nil }
            let settings = given
            let error = #expect(throws: SettingError.self) { try self.settings(settings) }
            return error.map(String.init(describing:)) ?? ""
        }
        let trusted = try self.settings(whole)
        #expect(trusted.options.subscriberSchemes == [.http, .https, .trustHTTP, .trustHTTPS])
        #expect(trusted.authentication.mode == .none && trusted.trustee?.account.project == nil)
        #expect(try self.settings([:]).options.subscriberSchemes == [.http, .https])
        #expect(words([:], without: Setting.trusteePassword) == "trustee.user: 't' takes trustee.password, not set")
        #expect(words([:], without: Setting.apiKeystoneURL) == "trustee.user: 't' takes api.keystone.url, not set")
        #expect(words([:], without: Setting.trusteeUser).hasPrefix("trustee.password: "))
        #expect(words([Setting.apiAuth: "keys"]).hasPrefix("trustee.user: takes api.auth: keystone"))
        #expect(!words([Setting.apiAuth: "keys"]).contains("very secret"))
        let types = [Setting.apiSubscriberTypes: "http,trust+https"]
        #expect(try self.settings(whole.merging(types) { $1 }).options.subscriberSchemes == [.http, .trustHTTPS])
        let error = #expect(throws: SettingError.self) { try self.settings(types) }
        #expect(error.map(String.init(describing:))?.contains("trust+https, which takes trustee.user") == true)
    }

    @Test(arguments: [("30", Duration.seconds(30)), ("0.5", .milliseconds(500)), ("0", nil)])
    func `A connection may be without an identity for a while, or for ever`(text: String, limit: Duration?) throws {
        let settings = try self.settings([Setting.apiWebSocketAnonymous: text])
        #expect(settings.sessions.anonymousMax == limit.map { TimeAmount($0) })
    }
}
