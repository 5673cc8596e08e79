package import Foundation
import Glibc

/// Debian's Postfix as a relay with STARTTLS and logins, run from a folder of its own beside any other; it hands all mails on
/// to another relay.
///
/// It takes root, as Postfix does, and the packages that `scripts/bootstrap --tests` installs.
package struct TestPostfix: Sendable {
    package static let login = (user: "user@relay.test", password: "s3cret")
    package static let isAvailable =
        geteuid() == 0
        && ["/usr/sbin/postfix", "/usr/sbin/saslpasswd2"].allSatisfy(FileManager.default.isExecutableFile(atPath:))

    package let folder: URL
    package let port: Int

    /// The file of its certificate, for `localhost`.
    package var certificate: String { self.folder.appendingPathComponent("cert.pem").path }
    /// What hands a mail on standard input to it.
    package var command: String { "/usr/sbin/sendmail -C \(self.folder.path) -t -oi" }
    package var log: String {
        (try? String(contentsOf: self.folder.appendingPathComponent("mail.log"), encoding: .utf8)) ?? ""
    }

    /// Runs `body` with a Postfix that is gone afterwards.
    ///
    /// - Parameter next: The port that it sends all mails on to.
    package static func with<Result>(to next: Int, _ body: (TestPostfix) async throws -> Result) async throws -> Result
    {
        try await withTemporaryFolder { folder in
            let postfix = TestPostfix(folder: folder, port: try await freeLoopbackPort())
            try await postfix.configure(to: next)
            try await postfix.run("/usr/sbin/postfix", ["-c", folder.path, "start"])
            let outcome: Swift.Result<Result, any Error>
            do {
                let pid = folder.appendingPathComponent("spool/pid/master.pid").path
                _ = try await eventually { FileManager.default.fileExists(atPath: pid) ? true : nil }
                outcome = .success(try await body(postfix))
            } catch {
                outcome = .failure(error)
            }
            try await postfix.run("/usr/sbin/postfix", ["-c", folder.path, "stop"])
            return try outcome.get()
        }
    }

    private func configure(to next: Int) async throws {
        let path = self.folder.path
        for name in ["spool", "data", "sasl"] {
            try FileManager.default.createDirectory(
                at: self.folder.appendingPathComponent(name), withIntermediateDirectories: false)
        }
        try await TestRelay.make(.valid, in: self.folder)
        try self.write(
            "main.cf",
            """
            compatibility_level = 3.6
            queue_directory = \(path)/spool
            data_directory = \(path)/data
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = postfix
            setgid_group = postdrop
            myhostname = relay.test
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mydestination =
            mynetworks =
            local_recipient_maps =
            alias_maps =
            relayhost = [127.0.0.1]:\(next)
            smtp_host_lookup = native
            smtpd_tls_cert_file = \(path)/cert.pem
            smtpd_tls_key_file = \(path)/key.pem
            smtpd_tls_security_level = may
            smtpd_tls_auth_only = yes
            smtpd_sasl_auth_enable = yes
            smtpd_sasl_path = smtpd
            cyrus_sasl_config_path = \(path)/sasl
            smtpd_relay_restrictions = permit_sasl_authenticated, reject
            maillog_file = \(path)/mail.log
            maillog_file_prefixes = \(path)

            """)
        let services = [
            "\(self.port) inet n - n - - smtpd", "pickup unix n - n 1 1 pickup", "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr", "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
            "flush unix n - n 1000? 0 flush", "proxymap unix - - n - - proxymap", "smtp unix - - n - - smtp",
            "relay unix - - n - - smtp", "showq unix n - n - - showq", "error unix - - n - - error",
            "retry unix - - n - - error", "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache",
            "postlog unix-dgram n - n - 1 postlogd",
        ]
        try self.write("master.cf", services.joined(separator: "\n") + "\n")
        try self.write(
            "sasl/smtpd.conf",
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: \(path)/sasldb2\nmech_list: PLAIN LOGIN\n")
        let login = "printf %s \(Self.login.password) | saslpasswd2 -p -c -f \(path)/sasldb2 -u relay.test user"
        try await self.run("/bin/sh", ["-c", "\(login) && chown postfix \(path)/sasldb2 \(path)/data"])
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(to: self.folder.appendingPathComponent(name), atomically: false, encoding: .utf8)
    }

    private func run(_ program: String, _ arguments: [String]) async throws {
        let log = self.folder.appendingPathComponent("commands.log")
        let process = try ChildProcess(
            URL(fileURLWithPath: program), arguments: arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            log: log)
        guard await process.waitForExit(within: .seconds(60)) == .status(0) else {
            let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            throw Python.Missing(description: "\(program) \(arguments) failed:\n\(text)\n\(self.log)")
        }
    }
}
