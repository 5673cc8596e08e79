package import Logging
package import Settings
package import TLS

/// The files of TLS of one listener, or of connections of one kind, as an operator set them.
package struct TLSSettings: Sendable {
    package enum Side: Sendable {
        case server, client
    }

    /// What each file is read from.
    package struct Names: Sendable {
        let certificate: Setting
        let key: Setting
        let authorities: Setting

        /// The REST API, and the WebSocket protocol.
        package static let api = Names(
            certificate: Setting.apiTLSCertificateFile, key: Setting.apiTLSKeyFile,
            authorities: Setting.apiTLSClientCAFile)
        /// The admin listener.
        package static let admin = Names(
            certificate: Setting.adminTLSCertificateFile, key: Setting.adminTLSKeyFile,
            authorities: Setting.adminTLSClientCAFile)
        /// Connections to every Redis.
        package static let redis = Names(
            certificate: Setting.redisTLSCertificateFile, key: Setting.redisTLSKeyFile,
            authorities: Setting.redisTLSCAFile)
        /// Webhooks, which libcurl reads.
        package static let webhook = Names(
            certificate: Setting.webhookClientCertificateFile, key: Setting.webhookClientKeyFile,
            authorities: Setting.webhookCAFile)

        func setting(of part: TLSFiles.Part) -> Setting {
            switch part {
            case .certificate: self.certificate
            case .key: self.key
            case .authorities: self.authorities
            }
        }
    }

    package let files: TLSFiles
    let names: Names
    let side: Side

    /// Of a listener; nil: it is in the clear.
    package static func listener(_ names: Names, _ reader: SettingReader) throws(SettingError) -> TLSSettings? {
        let settings = try TLSSettings(.server, names, reader)
        guard settings.files.certificate == nil else { return settings }
        guard let path = settings.files.authorities else { return nil }
        throw .unusable(names.authorities, value: path, reason: "has no effect without \(names.certificate.name)")
    }

    /// Of connections to servers.
    package static func client(_ names: Names, _ reader: SettingReader) throws(SettingError) -> TLSSettings {
        try TLSSettings(.client, names, reader)
    }

    private init(_ side: Side, _ names: Names, _ reader: SettingReader) throws(SettingError) {
        self.side = side
        self.names = names
        self.files = TLSFiles(
            certificate: reader.text(names.certificate), key: reader.text(names.key),
            authorities: reader.text(names.authorities))
        for (one, other) in [(names.certificate, names.key), (names.key, names.certificate)] {
            guard let path = reader.text(one), reader.text(other) == nil else { continue }
            throw .unusable(one, value: path, reason: "takes \(other.name)")
        }
    }

    /// Reads the files.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` with the setting of the file that cannot be used.
    package func context(_ logger: Logger) throws(SettingError) -> TLSContext {
        do throws(TLSFileFault) {
            let context = try self.side == .server ? TLSContext.server(self.files) : TLSContext.client(self.files)
            if let warning = context.warning {
                logger.warning(
                    "The certificate of TLS \(warning)",
                    metadata: [
                        "setting": "\(self.names.certificate.name)", "file": "\(self.files.certificate ?? "")",
                    ])
            }
            return context
        } catch {
            throw .unusable(self.names.setting(of: error.part), value: error.path, reason: error.reason)
        }
    }
}
