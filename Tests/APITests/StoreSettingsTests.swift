import API
import Settings
import Testing

/// The settings of the stores.
struct StoreSettingsTests {
    private func settings(_ flags: [Setting: String]) throws -> APISettings {
        let own: [Setting: String] = [Setting.masterKey: RunningAPI.masterKey]
        return try APISettings(
            SettingReader(for: .api, flags: flags.merging(own) { flag, _ in flag }, environment: [:]))
    }

    @Test(arguments: ["mongodb://localhost", "sqlite:///x", "localhost:6379"])
    func `A-39: a store of a kind that is not known stops the start`(url: String) {
        #expect(throws: SettingError.self) { try self.settings([Setting.redisURL: url]) }
    }

    @Test func `Pools are offered wherever the routes of administrators are, unless that is set`() throws {
        #expect(try !self.settings([:]).access.hasPools)
        #expect(try self.settings([Setting.apiAdminMode: "true"]).access.hasPools)
        #expect(try !self.settings([Setting.apiAdminMode: "true", Setting.apiPooling: "false"]).access.hasPools)
        let alone = try self.settings([Setting.apiPooling: "true"]).access
        #expect(alone.hasPools && !alone.hasAdministration)
    }
}
