import Foundation
package import Mail

/// How mail is sent; ``NotifierSettings`` makes one of the settings.
package struct EmailSettings: Sendable {
    /// What takes the mails.
    package enum Transport: Sendable, Equatable {
        case relay(RelayURL)
        /// A program and its arguments; it reads one mail from standard input.
        case command([String])
    }

    /// When a connection is encrypted.
    package enum TLSUse: String, Sendable, CaseIterable {
        /// Always, and the certificate has to name the relay.
        case required
        /// When the relay offers it; the certificate is not checked, since who can forge one can withdraw the offer.
        case offered
        case off
    }

    /// nil: no mail is sent.
    package var transport: Transport?
    package var tls = TLSUse.required
    /// A file of certificates that sign that of the relay; nil: those of the system.
    package var authorities: String?
    /// What the relay is greeted with; nil: the name of the machine.
    package var hostName: String?
    /// The sender of mails whose subscription names none, and of envelopes without an address for bounces.
    package var sender: Mailbox?
    /// Where mails come back to; nil: to the sender, unread.
    ///
    /// Programs choose the envelope for themselves.
    package var bounces: BounceAddress?
    /// Sessions at once, or runs of the command.
    package var sessions = 4
    /// Name and connection of a session.
    package var connectTimeout = Duration.seconds(10)
    /// Any reply but the last.
    package var replyTimeout = Duration.seconds(300)
    /// The reply to a whole mail (RFC 5321, 4.5.3.2.6); a run of the command.
    package var dataTimeout = Duration.seconds(600)
    /// Whether mails name their project in `Feedback-ID`.
    package var hasFeedbackID = false

    package init() {}
}

/// A relay: `smtp://[user[:password]@]host[:port]`.
package struct RelayURL: Sendable, Equatable {
    package let host: String
    package let port: UInt16
    /// nil: mails are sent without authentication.
    package let login: Login?

    package struct Login: Sendable, Equatable {
        package let user: String
        package let password: String
    }

    package enum Invalid: Error, Sendable, Equatable {
        case implicitTLS, scheme, login, host, ipv6, port, rest
    }

    /// RFC 5321, and RFC 6409 for who authenticates.
    private static let ports: (plain: UInt16, submission: UInt16) = (25, 587)

    /// - Parameter text: User and password percent-encoded.
    package init(_ text: String) throws(Invalid) {
        guard !text.lowercased().hasPrefix("smtps://") else { throw .implicitTLS }
        guard text.lowercased().hasPrefix("smtp://") else { throw .scheme }
        var rest = text.dropFirst("smtp://".count)
        if rest.hasSuffix("/") { rest.removeLast() }
        var login: Login?
        if let at = rest.lastIndex(of: "@") {
            login = try Self.login(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        guard !rest.contains(where: { "/?#".contains($0) }) else { throw .rest }
        // libesmtp takes what follows the first colon for the port.
        guard !rest.hasPrefix("["), rest.count(where: { $0 == ":" }) < 2 else { throw .ipv6 }
        let host = rest.prefix { $0 != ":" }
        let isName = host.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
        }
        guard !host.isEmpty, host.utf8.count <= 253, isName else { throw .host }
        var port = login == nil ? Self.ports.plain : Self.ports.submission
        if host.endIndex < rest.endIndex {
            guard let number = UInt16(rest[host.endIndex...].dropFirst()), number > 0 else { throw .port }
            port = number
        }
        self.host = host.lowercased()
        self.port = port
        self.login = login
    }

    private static func login(_ text: Substring) throws(Invalid) -> Login {
        let user = text.prefix { $0 != ":" }
        guard let name = Self.decoded(user), let password = Self.decoded(text.dropFirst(user.count + 1)), !name.isEmpty
        else { throw .login }
        return Login(user: name, password: password)
    }

    /// nil for a broken escape, and for what no login may hold.
    private static func decoded(_ text: Substring) -> String? {
        guard let decoded = String(text).removingPercentEncoding,
            !decoded.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { return nil }
        return decoded
    }

    /// Whether mails to it do not leave this machine.
    package var isLoopback: Bool { self.host == "localhost" || self.isAddress && self.host.hasPrefix("127.") }

    /// Whether its host is an IPv4 address.
    package var isAddress: Bool {
        let parts = self.host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Without the login: for logs, and as what connections are made to.
    package var origin: String { "smtp://\(self.host):\(self.port)" }
}
