import CESMTP
import Glibc
import Mail

/// What every session with the relay is made with; it lives as long as the process sends mail.
final class RelayConnection: Sendable {
    enum Invalid: Error, Sendable, Equatable {
        /// The file of certificates cannot be read, or holds none.
        case authorities
    }

    let url: RelayURL
    let sender: Mailbox
    private let settings: EmailSettings
    // Made in the initialiser and only read afterwards, by libesmtp and OpenSSL too, whose contexts are counted and locked.
    nonisolated(unsafe) private let tls: OpaquePointer?
    nonisolated(unsafe) private let login: UnsafeMutablePointer<cesmtp_login>?
    nonisolated(unsafe) private let name: UnsafeMutablePointer<CChar>?

    /// libesmtp's plugins are loaded once in a process.
    private static let plugins: Void = auth_client_init()

    /// - Throws: ``Invalid``.
    init(_ url: RelayURL, from sender: Mailbox, _ settings: EmailSettings) throws(Invalid) {
        _ = Self.plugins
        self.url = url
        self.sender = sender
        self.settings = settings
        self.name = strdup(url.host)
        if settings.tls == .off {
            self.tls = nil
        } else {
            let isChecked = settings.tls == .required
            let tls = cesmtp_tls(
                isChecked && !url.isAddress ? self.name : nil, isChecked && url.isAddress ? self.name : nil,
                settings.authorities)
            guard let tls else {
                free(self.name)
                throw .authorities
            }
            self.tls = tls
        }
        self.login = url.login.map { login in
            let pointer = UnsafeMutablePointer<cesmtp_login>.allocate(capacity: 1)
            pointer.initialize(to: cesmtp_login(user: strdup(login.user), password: strdup(login.password)))
            return pointer
        }
    }

    deinit {
        if let tls { SSL_CTX_free(tls) }
        if let login {
            free(UnsafeMutableRawPointer(mutating: login.pointee.user))
            free(UnsafeMutableRawPointer(mutating: login.pointee.password))
            login.deallocate()
        }
        free(self.name)
    }

    /// For one session; nil: it does not authenticate.
    func credentials() -> auth_context_t? { self.login.flatMap { cesmtp_credentials($0) } }

    /// - Returns: false when memory is short.
    func prepare(_ session: smtp_session_t, _ credentials: auth_context_t?) -> Bool {
        guard smtp_set_server(session, "\(self.url.host):\(self.url.port)") != 0 else { return false }
        if let name = self.settings.hostName { smtp_set_hostname(session, name) }
        let reply = Int(self.settings.replyTimeout / .milliseconds(1))
        for timeout in [Timeout_GREETING, Timeout_ENVELOPE, Timeout_DATA, Timeout_TRANSFER] {
            cesmtp_set_timeout(session, Int32(timeout.rawValue), reply)
        }
        cesmtp_set_timeout(session, Int32(Timeout_DATA2.rawValue), Int(self.settings.dataTimeout / .milliseconds(1)))
        if let tls {
            smtp_starttls_enable(session, self.settings.tls == .required ? Starttls_REQUIRED : Starttls_ENABLED)
            smtp_starttls_set_ctx(session, tls)
        } else {
            smtp_starttls_enable(session, Starttls_DISABLED)
        }
        if let credentials { smtp_auth_set_context(session, credentials) }
        return true
    }

    func returnPath(of mail: OutgoingMail) -> MailAddress {
        mail.returnPath(from: self.sender, bounces: self.settings.bounces)
    }

    func encoded(_ mail: OutgoingMail) -> [UInt8] {
        mail.encoded(
            from: self.sender, hasFeedbackID: self.settings.hasFeedbackID, isMarked: self.settings.bounces == nil)
    }
}
