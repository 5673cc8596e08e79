import API
import Settings
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
}
