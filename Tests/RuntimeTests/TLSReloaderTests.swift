import Foundation
import Logging
import NIOConcurrencyHelpers
import Runtime
import Settings
import TLS
import TestKit
import Testing

/// Certificates that change while a process runs.
struct TLSReloaderTests {
    private static func settings(_ paths: (certificate: String, key: String)) throws -> TLSSettings {
        let reader = try SettingReader(
            for: .api,
            flags: [Setting.adminTLSCertificateFile: paths.certificate, Setting.adminTLSKeyFile: paths.key],
            environment: [:], requiring: [])
        return try #require(try TLSSettings.listener(.admin, reader))
    }

    @Test func `A change is taken once it stands still, a broken one never, and the log says why`() async throws {
        try await withTemporaryFolder { folder in
            let lines = NIOLockedValueBox<[String]>([])
            func errors() -> [String] { lines.withLockedValue { $0.filter { $0.contains("cannot be used") } } }
            let logger = Logger(label: "tls") { _ in Lines(lines) }
            let authority = try TestAuthority()
            let paths = try authority.issue(until: 3600).write(to: folder)
            let reloader = try TLSReloader(try Self.settings(paths), logger: logger)
            let first = reloader.holder.current

            await reloader.look()
            #expect(reloader.holder.current === first)
            _ = try authority.issue(until: 7200).write(to: folder)
            await reloader.look()
            #expect(reloader.holder.current === first, "it was seen once")
            await reloader.look()
            let second = reloader.holder.current
            #expect(try #require(second.expiry) > (try #require(first.expiry)))

            try Data("no certificate".utf8).write(to: URL(fileURLWithPath: paths.certificate), options: .atomic)
            for _ in 0..<5 { await reloader.look() }
            #expect(reloader.holder.current === second)
            #expect(errors().count == 1 && errors()[0].contains("admin.tls.certificate.file: '\(paths.certificate)'"))

            _ = try authority.issue(until: -60).write(to: folder)
            await reloader.reload()
            #expect(reloader.holder.current !== second)
            #expect(lines.withLockedValue { $0.contains { $0.contains("has expired") } })
        }
    }

    @Test func `A certificate without its key, and a key without its certificate, are refused`() async throws {
        for (one, other) in [
            (Setting.adminTLSCertificateFile, Setting.adminTLSKeyFile),
            (Setting.adminTLSKeyFile, Setting.adminTLSCertificateFile),
        ] {
            let reader = try SettingReader(for: .notifier, flags: [one: "/a.pem"], environment: [:], requiring: [])
            #expect(throws: SettingError.unusable(one, value: "/a.pem", reason: "takes \(other.name)")) {
                try TLSSettings.listener(.admin, reader)
            }
        }
    }

    private struct Lines: LogHandler {
        private let lines: NIOLockedValueBox<[String]>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        init(_ lines: NIOLockedValueBox<[String]>) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            self.lines.withLockedValue { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
