package import Mail
package import Settings
package import Signing

/// What both processes read for the links of mails, and for the texts of mails and pages.
package struct LinkSettings: Sendable {
    /// The root of the REST API as subscribers reach it, without a slash at the end; nil when it is not known.
    package let publicURL: String?
    /// What the paths of the pages begin with; empty for nothing.
    package let pagePrefix: String
    package let keys: LinkKeys
    /// nil without a public URL.
    package let pages: LinkPages?
    package let texts: TextCatalog

    /// - Throws: ``SettingError``, which shows no key.
    package init(_ reader: SettingReader, masterKey: MasterKey) throws(SettingError) {
        let publicURL = try Self.publicURL(reader)
        let prefix = try Self.prefix(reader)
        let linkKeys = LinkKeys(masterKey: masterKey, keys: try Self.keys(reader))
        self.publicURL = publicURL
        self.pagePrefix = prefix
        self.keys = linkKeys
        self.pages = try publicURL.map { url throws(SettingError) in
            guard url.utf8.count + prefix.utf8.count <= LinkPages.rootBytesMax, MailLink(url) != nil else {
                throw .unusable(
                    Setting.apiPublicURL, value: url,
                    reason: "has characters outside of ASCII, blanks, commas or angle brackets, or takes with "
                        + "\(Setting.emailPagesPrefix.name) more than \(LinkPages.rootBytesMax) bytes: links of mails "
                        + "would not fit into a line")
            }
            return LinkPages(root: url + prefix, keys: linkKeys)
        }
        self.texts =
            try reader.text(Setting.emailTemplates).map { path throws(SettingError) in
                try TextFolder.read(path)
            } ?? .builtIn
    }

    /// The keys of links, and of the marks by which mails that come back are found, beside those of the master key.
    ///
    /// - Throws: ``SettingError``, which shows no key.
    package static func keys(_ reader: SettingReader) throws(SettingError) -> [LinkKey] {
        var keys: [LinkKey] = []
        for text in reader.list(Setting.emailLinkKeys) {
            do { keys.append(try LinkKey(text)) } catch { throw reader.invalid(Setting.emailLinkKeys) }
        }
        guard keys.count <= LinkKeys.keysMax else {
            throw .unusable(Setting.emailLinkKeys, value: nil, reason: "has more than \(LinkKeys.keysMax) keys")
        }
        return keys
    }

    private static func publicURL(_ reader: SettingReader) throws(SettingError) -> String? {
        guard let text = reader.text(Setting.apiPublicURL) else { return nil }
        guard Self.isWhole(text) else { throw reader.invalid(Setting.apiPublicURL, value: text) }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// Whether a text is a URL of http or https with a host, and without query or fragment.
    package static func isWhole(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count >= 3 && ["http:", "https:"].contains(parts[0].lowercased()) && parts[1].isEmpty
            && !parts[2].isEmpty && !text.contains { "?# ".contains($0) || $0.isNewline }
    }

    private static func prefix(_ reader: SettingReader) throws(SettingError) -> String {
        guard let text = reader.text(Setting.emailPagesPrefix) else { return "" }
        let isPath =
            text.hasPrefix("/") && !text.hasSuffix("/") && !text.contains("//") && text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
        guard isPath, text != "/v2", !text.hasPrefix("/v2/") else { throw reader.invalid(Setting.emailPagesPrefix) }
        return text
    }
}

extension BounceAddress {
    /// nil when none is set.
    ///
    /// - Throws: ``SettingError``.
    package init?(_ reader: SettingReader) throws(SettingError) {
        guard let text = reader.text(Setting.emailBounceAddress) else { return nil }
        do throws(BounceAddressInvalid) {
            try self.init(text)
        } catch {
            throw .unusable(Setting.emailBounceAddress, value: text, reason: error.reason)
        }
    }
}
