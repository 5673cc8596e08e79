import ArgumentParser
import Foundation
package import Settings

/// Values to give settings in tests: each allowed, and none the default.
package enum SettingSamples {
    /// Nil for the settings file itself.
    package static func value(of setting: Setting) -> String? {
        switch setting.shape {
        case .boolean: return setting.default == "true" ? "false" : "true"
        case .integer(let range), .seconds(let range):
            let usual = setting.default.flatMap { Int($0) } ?? range.lowerBound
            return String(usual < range.upperBound ? usual + 1 : usual - 1)
        case .address: return "127.0.0.1:0"
        case .oneOf(let words): return words.last { $0 != setting.default }
        case .text, .list: return self.texts[setting]
        }
    }

    /// A folder with one sentence.
    private static let templates: String = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("herald-templates-\(getpid())")
        // What is missing fails the test that reads it.
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try? Data("language: de\n".utf8).write(to: folder.appendingPathComponent("pages.txt"))
        return folder.path
    }()

    /// A folder with a file of one rule.
    private static let policies: String = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("herald-policies-\(getpid())")
        // What is missing fails the test that reads it.
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try? Data("queues:purge: role:sample\n".utf8).write(to: folder.appendingPathComponent("sample.yaml"))
        return folder.path
    }()

    /// A file that says of itself that it is a certificate.
    private static let certificate: String = {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("herald-certificate-\(getpid()).pem")
        // What is missing fails the test that reads it.
        try? Data("-----BEGIN CERTIFICATE-----\n".utf8).write(to: file)
        return file.path
    }()

    /// A certificate, its key and its authority.
    private static let tls: (certificate: String, key: String, authority: String) = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("herald-tls-\(getpid())")
        // What is missing fails the test that reads it.
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let authority = try? TestAuthority()
        let paths = try? authority?.issue().write(to: folder)
        let path = try? authority?.write(to: folder)
        return (paths?.certificate ?? "", paths?.key ?? "", path ?? "")
    }()

    private static let texts: [Setting: String] = [
        Setting.defaultsRetry: "standard-webhooks",
        Setting.apiTLSCertificateFile: Self.tls.certificate,
        Setting.apiTLSKeyFile: Self.tls.key,
        Setting.apiTLSClientCAFile: Self.tls.authority,
        Setting.adminTLSCertificateFile: Self.tls.certificate,
        Setting.adminTLSKeyFile: Self.tls.key,
        Setting.adminTLSClientCAFile: Self.tls.authority,
        Setting.redisTLSCAFile: Self.tls.authority,
        Setting.redisTLSCertificateFile: Self.tls.certificate,
        Setting.redisTLSKeyFile: Self.tls.key,
        Setting.webhookCAFile: Self.tls.authority,
        Setting.webhookClientCertificateFile: Self.tls.certificate,
        Setting.webhookClientKeyFile: Self.tls.key,
        Setting.emailConfirmationURL: "https://page.example/confirm?lang=de",
        Setting.emailLinkKeys: String(repeating: "3d", count: 32),
        Setting.emailPagesPrefix: "/mail",
        Setting.emailTemplates: Self.templates,
        Setting.redisURL: "redis://127.0.0.9:6380/3",
        Setting.masterKey: String(repeating: "1f", count: 32),
        Setting.messageEncryptionKeys: String(repeating: "2e", count: 32),
        Setting.signedURLKeys: "sixteen-characters-and-more,another-one",
        Setting.apiKeystoneURL: "https://keystone.example:5000/v3",
        Setting.apiKeystonePublicURL: "https://identity.example",
        Setting.apiKeystoneUser: "herald",
        Setting.apiKeystoneUserDomain: "services",
        Setting.apiKeystonePassword: "a-password",
        Setting.apiKeystoneProject: "service",
        Setting.apiKeystoneProjectDomain: "services",
        Setting.apiKeystoneCAFile: Self.certificate,
        Setting.apiKeystoneServiceRoles: "glance,nova",
        Setting.trusteeUser: "trustee",
        Setting.trusteeUserDomain: "services",
        Setting.trusteePassword: "a-password",
        Setting.trusteeProject: "service",
        Setting.trusteeProjectDomain: "services",
        Setting.apiPublicURL: "https://messages.example/root",
        Setting.apiSubscriberTypes: "https",
        Setting.apiProxies: "10.2.0.0/16",
        Setting.apiWebSocketOrigins: "https://page.example",
        Setting.corsOrigins: "https://page.example",
        Setting.corsMethods: "GET",
        Setting.corsHeadersAllowed: "X-Sent",
        Setting.corsHeadersExposed: "X-Read",
        Setting.egressAllow: "10.1.0.0/16",
        Setting.emailRelay: "smtp://user:secret@relay.example:2525",
        Setting.emailTLSAuthorities: "/etc/ssl/relay.pem",
        Setting.emailHostname: "herald.example",
        Setting.emailFrom: "Herald <alerts@herald.example>",
        Setting.emailBounceAddress: "bounces@herald.example",
        Setting.emailCommand: "/usr/sbin/sendmail -t -oi",
        Setting.apiKeysBootstrapFile: "/run/herald/first.key",
        Setting.apiKeysBootstrapProject: "operators",
        Setting.apiAuditLog: FileManager.default.temporaryDirectory.path + "/herald-audit-\(getpid()).log",
        Setting.apiPolicyFile: Self.policies + "/sample.yaml",
        Setting.apiPolicyDirectory: Self.policies,
        Setting.metricsQueues: "p/orders,p/in-*",
        Setting.readyFile: "/tmp/herald-ready.json",
    ]

    /// What goes with a certificate or a key, so that each of them alone can be another one; empty for all other settings.
    package static func besides(_ setting: Setting) -> [Setting: String] {
        let pairs = [
            (Setting.apiTLSCertificateFile, Setting.apiTLSKeyFile, [Setting.apiTLSClientCAFile]),
            (Setting.adminTLSCertificateFile, Setting.adminTLSKeyFile, [Setting.adminTLSClientCAFile]),
            (Setting.redisTLSCertificateFile, Setting.redisTLSKeyFile, []),
            (Setting.webhookClientCertificateFile, Setting.webhookClientKeyFile, []),
        ]
        let pair = pairs.first { [$0, $1].contains(setting) || $2.contains(setting) }
        return pair.map { [$0.0: "/run/herald/tls.crt", $0.1: "/run/herald/tls.key"] } ?? [:]
    }

    /// One setting given in every way there is: as a flag in both spellings, in the environment, in the file, and, when it
    /// is a secret, in a file that the environment names.
    ///
    /// - Parameter others: What else is given, as flags.
    package static func readers<Command: ProcessCommand>(
        of command: Command.Type, _ setting: Setting, _ value: String, besides others: [Setting: String]
    ) throws -> [(way: String, SettingReader)] {
        let rest = others.flatMap { [$0.flag, $1] }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // A left-over in the temporary folder does no harm.
        let file = folder.appendingPathComponent("herald.yaml")
        try Data("\(setting.name): '\(value)'\n".utf8).write(to: file)
        let secret = folder.appendingPathComponent("secret")
        try Data("\(value)\n".utf8).write(to: secret)
        var ways: [(String, [String], [String: String])] = [
            ("\(setting.flag) \(value)", [setting.flag, value], [:]),
            ("\(setting.flag)=\(value)", ["\(setting.flag)=\(value)"], [:]),
            (setting.environment, [], [setting.environment: value]),
            ("the file", ["--config", file.path], [:]),
        ]
        if let name = setting.environmentFile { ways.append((name, [], [name: secret.path])) }
        return try ways.map { way, arguments, environment in
            guard let parsed = try Command.parseAsRoot(rest + arguments) as? Command else {
                throw NotAccepted(description: "\(way) is another command")
            }
            return (
                way,
                try SettingReader(for: Command.process, flags: parsed.flags.given, environment: environment)
            )
        }
    }

    package struct NotAccepted: Error, CustomStringConvertible {
        package let description: String
    }

    /// What a value holds, down to the last field; where C keeps something is left out.
    package static func dumped(_ value: Any) -> String {
        var text = ""
        dump(value, to: &text)
        let lines = text.replacing(/0x[0-9a-f]+|pointerValue: [0-9]+/, with: "").split(separator: "\n")
        // Sorted: two equal dictionaries may list their entries in different orders.
        return lines.sorted().joined(separator: "\n")
    }
}
