import Notifier
import Settings
import Store
import TestKit
import Testing

/// Every setting of the notifier is taken from every source, and the notifier is built from it.
struct SettingReachTests {
    /// The settings that the frame of a process reads; whole processes show those.
    private static let ofTheFrame: Set<Setting> = [
        Setting.notifierAdminListen, Setting.logLevel, Setting.logFormat, Setting.readyFile, Setting.configFile,
        Setting.adminTLSCertificateFile, Setting.adminTLSKeyFile, Setting.adminTLSClientCAFile,
    ]
    private static let settings = SettingCatalog.settings(of: .notifier).filter {
        !Self.ofTheFrame.contains($0)
    }

    private static let trustee = [
        Setting.apiKeystoneURL: "http://k.example", Setting.trusteeUser: "u", Setting.trusteePassword: "p",
        Setting.trusteeProject: "q",
    ]
    /// Those that need a trustee to matter.
    private static let ofTrustee: Set<Setting> = [
        Setting.apiKeystoneURL, Setting.apiKeystoneCAFile, Setting.apiKeystoneTimeout, Setting.apiKeystoneRetries,
        Setting.trusteeUser, Setting.trusteePassword, Setting.trusteeUserDomain, Setting.trusteeProject,
        Setting.trusteeProjectDomain,
    ]

    @Test(arguments: settings)
    func `A setting reaches the notifier from a flag, the environment and the file`(setting: Setting) throws {
        let value = try #require(SettingSamples.value(of: setting), "\(setting.name) has no sample")
        #expect(value != setting.default)
        var key = [Setting.masterKey: String(repeating: "0a", count: 32)]
        // Mail needs a sender.
        if setting == Setting.emailRelay || setting == Setting.emailCommand { key[Setting.emailFrom] = "a@b.example" }
        key.merge(SettingSamples.besides(setting)) { $1 }
        if Self.ofTrustee.contains(setting) { key.merge(Self.trustee) { $1 } }
        if [Setting.redisReplicas, Setting.redisReplicationTimeout].contains(setting) {
            key[Setting.redisDurability] = "replicated"
        }
        let without = try NotifierSettings(SettingReader(for: .notifier, flags: key, environment: [:]))
        let before = SettingSamples.dumped(without)
        #expect(
            try before
                == SettingSamples.dumped(
                    NotifierSettings(SettingReader(for: .notifier, flags: key, environment: [:]))),
            "the same settings must look the same, or nothing is shown here")
        var others = setting == Setting.masterKey ? [:] : key
        others[setting] = nil
        for (way, reader) in try SettingSamples.readers(of: NotifierCommand.self, setting, value, besides: others) {
            let settings = try NotifierSettings(reader)
            #expect(SettingSamples.dumped(settings) != before, "\(way) is ignored")
        }
    }

    @Test(arguments: ["orders", "p/a*b", Array(repeating: "p/q", count: 33).joined(separator: ",")])
    func `Queues that are measured have a project and a name, and are not too many`(queues: String) {
        let flags = [Setting.masterKey: String(repeating: "0a", count: 32), Setting.metricsQueues: queues]
        #expect(throws: SettingError.self) {
            try NotifierSettings(SettingReader(for: .notifier, flags: flags, environment: [:]))
        }
    }

    @Test(arguments: [
        [Setting.emailCommand: "/usr/sbin/sendmail", Setting.emailRelay: "smtp://localhost"],
        [Setting.emailCommand: "/usr/sbin/sendmail", Setting.emailBounceAddress: "bounces@b.example"],
    ])
    func `Mail has one way out, and an address for bounces only where the envelope can have it`(mail: [Setting: String])
        throws
    {
        var flags = [Setting.masterKey: String(repeating: "0a", count: 32), Setting.emailFrom: "a@b.example"]
        for (setting, value) in mail where setting != Setting.emailCommand { flags[setting] = value }
        _ = try NotifierSettings(SettingReader(for: .notifier, flags: flags, environment: [:]))
        flags[Setting.emailCommand] = mail[Setting.emailCommand]
        #expect(throws: SettingError.self) {
            try NotifierSettings(SettingReader(for: .notifier, flags: flags, environment: [:]))
        }
    }

    @Test func `Each bound of deliveries and of bodies in flight comes from its own setting`() throws {
        let names: [Setting] = [
            Setting.limitsDeadLettersQueueCount, Setting.limitsDeadLettersQueueBytes,
            Setting.limitsDeadLettersProjectBytes, Setting.limitsWaitingSubscription, Setting.limitsWaitingProject,
            Setting.notifierBytesInFlight,
        ]
        var flags = [Setting.masterKey: String(repeating: "0a", count: 32)]
        let usual = try NotifierSettings(SettingReader(for: .notifier, flags: flags, environment: [:]))
        #expect(usual.deliveries == DeliveryLimits())
        #expect(usual.engine.bytesInFlight == EngineSettings().bytesInFlight)
        for (index, name) in names.enumerated() { flags[name] = "\(20_000_000 + index)" }
        flags[Setting.limitsDeadLettersQueueCount] = "7"
        let settings = try NotifierSettings(SettingReader(for: .notifier, flags: flags, environment: [:]))
        #expect(
            settings.deliveries
                == DeliveryLimits(
                    queueDeadLetters: 7, queueDeadLetterBytes: 20_000_001, projectDeadLetterBytes: 20_000_002,
                    subscriptionWaiting: 20_000_003, projectWaiting: 20_000_004))
        #expect(settings.engine.bytesInFlight == 20_000_005)
    }
}
