import API
import Settings
import TestKit
import Testing

/// Every setting of the API is taken from every source, and the API is built from it.
struct SettingReachTests {
    /// The settings that the frame of a process reads; whole processes show those.
    private static let ofTheFrame: Set<Setting> = [
        Setting.apiAdminListen, Setting.apiDrain, Setting.logLevel, Setting.logFormat, Setting.readyFile,
        Setting.configFile,
        Setting.adminTLSCertificateFile, Setting.adminTLSKeyFile, Setting.adminTLSClientCAFile,
    ]
    private static let settings = SettingCatalog.settings(of: .api).filter {
        !Self.ofTheFrame.contains($0)
    }

    private static let keystone = [
        Setting.apiAuth: "keystone", Setting.apiKeystoneURL: "http://k.example", Setting.apiKeystoneUser: "u",
        Setting.apiKeystonePassword: "p", Setting.apiKeystoneProject: "q",
    ]

    private static let trustee = [
        Setting.apiKeystoneURL: "http://k.example", Setting.trusteeUser: "u", Setting.trusteePassword: "p",
        Setting.trusteeProject: "q",
    ]

    /// What a setting takes to matter.
    private static let besides: [Setting: [Setting: String]] = [
        Setting.redisReplicas: [Setting.redisDurability: "replicated"],
        Setting.redisReplicationTimeout: [Setting.redisDurability: "replicated"],
        Setting.apiKeystoneURL: keystone,
        Setting.apiKeystonePublicURL: keystone, Setting.apiKeystoneUser: keystone,
        Setting.apiKeystoneUserDomain: keystone, Setting.apiKeystonePassword: keystone,
        Setting.apiKeystoneProject: keystone, Setting.apiKeystoneProjectDomain: keystone,
        Setting.apiKeystoneCAFile: keystone, Setting.apiKeystoneTimeout: keystone,
        Setting.apiKeystoneRetries: keystone, Setting.apiKeystoneCacheTime: keystone,
        Setting.apiKeystoneCacheTokens: keystone, Setting.apiKeystoneServiceRoles: keystone,
        Setting.apiKeystoneServiceRolesRequired: keystone,
        Setting.trusteeUser: trustee.filter { $0.key != Setting.trusteeProject }, Setting.trusteePassword: trustee,
        Setting.trusteeUserDomain: trustee, Setting.trusteeProject: trustee, Setting.trusteeProjectDomain: trustee,
        Setting.clientIDLengthMin: [Setting.clientIDForm: "any"],
        Setting.clientIDLengthMax: [Setting.clientIDForm: "any"],
        Setting.apiKeysBootstrapFile: [Setting.apiAuth: "keys"],
        Setting.apiKeysBootstrapProject: [
            Setting.apiAuth: "keys", Setting.apiKeysBootstrapFile: "/run/herald/first.key",
        ],
        Setting.confirmationRequired: [Setting.signedURLKeys: "a-key-of-enough-characters"],
        Setting.emailRelay: [Setting.apiPublicURL: "https://m.example"],
        Setting.emailCommand: [Setting.apiPublicURL: "https://m.example"],
        Setting.emailConfirmationURL: [Setting.signedURLKeys: "a-key-of-enough-characters"],
        Setting.apiPublicURL: [
            Setting.signedURLKeys: "a-key-of-enough-characters", Setting.confirmationRequired: "true",
        ],
    ]

    @Test(arguments: settings)
    func `A setting reaches the API from a flag, the environment and the file`(setting: Setting) throws {
        // Keystone takes settings that have no effect without it.
        let value =
            setting == Setting.apiAuth
            ? "keys" : try #require(SettingSamples.value(of: setting), "\(setting.name) has no sample")
        #expect(value != setting.default)
        var others = Self.besides[setting] ?? SettingSamples.besides(setting)
        others[Setting.masterKey] = RunningAPI.masterKey
        let before = SettingSamples.dumped(
            try APISettings(SettingReader(for: .api, flags: others, environment: [:])))
        #expect(
            try before
                == SettingSamples.dumped(APISettings(SettingReader(for: .api, flags: others, environment: [:]))),
            "the same settings must look the same, or nothing is shown here")
        others[setting] = nil
        for (way, reader) in try SettingSamples.readers(of: APICommand.self, setting, value, besides: others) {
            let settings = try APISettings(reader)
            #expect(SettingSamples.dumped(settings) != before, "\(way) is ignored")
        }
    }
}
