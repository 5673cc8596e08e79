package import Domain
package import HTTPServer
package import Operations
package import Policy
package import Runtime
package import Settings
import Signing
package import Startup

/// The settings of the API, checked and in the form its parts take them.
package struct APISettings: Sendable {
    /// Keys of pre-signed URLs shorter than this are warned about: deployments have them, and they can be guessed.
    package static let signedURLKeyBytesWanted = 16

    package let store: StoreSettings
    /// Whose messages are counted in metrics.
    package let measuredQueues: [ChosenQueues]
    package let access: AccessRules
    package let authentication: AuthenticationSettings
    /// nil: no subscriber is called with a token.
    package let trustee: TrusteeSettings?
    package let audit: AuditDestination
    /// nil: none are logged.
    package let requestLog: RequestLog.Choice?
    package let policy: PolicySource
    /// Of the files of the policy, from before they were read.
    package let policyMarks: FileMarks
    package let options: APIOptions
    package let confirmation: ConfirmationRules?
    package let mailConfirmation: MailConfirmationRules?
    package let links: LinkSettings
    package let pages: PageRules
    package let hasShortSignedURLKey: Bool
    package let listen: ListenAddress
    package let webSocketListen: ListenAddress
    /// Of both; nil: they are in the clear.
    package let tls: TLSSettings?
    package let webSocketOrigins: [String]
    package let sessions: SessionLimits
    package let limits: Limits
    package let http: HTTPLimits
    package let proxies: TrustedProxies
    package let projectRequestsMax: Int
    package let projectWaitsMax: Int
    package let projectLimits: ProjectLimits

    package init(_ reader: SettingReader) throws(SettingError) {
        self.store = try StoreSettings(reader)
        self.measuredQueues = try reader.measuredQueues()
        self.limits = try Limits(reader)
        self.http = try HTTPLimits(reader)
        self.proxies = try TrustedProxies(reader)
        self.projectRequestsMax = try reader.integer(Setting.apiProjectRequests)
        self.projectWaitsMax = try reader.integer(Setting.apiProjectWaits)
        self.projectLimits = try ProjectLimits(reader)
        self.webSocketListen = try reader.address(Setting.apiWebSocketListen)
        self.tls = try TLSSettings.listener(.api, reader)
        self.webSocketOrigins = reader.list(Setting.apiWebSocketOrigins)
        self.sessions = try SessionLimits(reader, self.limits, self.http)
        self.trustee = try TrusteeSettings(reader)
        self.options = try APIOptions(reader, hasTrustee: self.trustee != nil)
        self.links = try LinkSettings(reader, masterKey: self.store.masterKey)
        self.confirmation = try ConfirmationRules(reader, self.links)
        self.mailConfirmation = try MailConfirmationRules(reader, self.links, sendsMail: self.options.sendsMail)
        self.pages = PageRules(prefix: self.links.pagePrefix, texts: self.links.texts)
        self.audit = try AuditDestination(reader)
        self.requestLog = RequestLog.Choice(rawValue: try reader.required(Setting.logRequests))
        self.policy = PolicySource(reader)
        self.policyMarks = self.policy.marks()
        var access = try AccessRules(reader)
        access.policy = PolicyHolder(try self.policy.readBySettings())
        self.access = access
        self.hasShortSignedURLKey = reader.list(Setting.signedURLKeys).contains {
            $0.utf8.count < Self.signedURLKeyBytesWanted
        }
        self.listen = try reader.address(Setting.apiListen)
        self.authentication = try AuthenticationSettings(
            reader,
            listeners: [(Setting.apiListen, self.listen), (Setting.apiWebSocketListen, self.webSocketListen)])
        // Users give trusts with their tokens of Keystone.
        guard self.trustee == nil || self.authentication.mode != .keys else {
            throw .unusable(
                Setting.trusteeUser, value: nil,
                reason: "takes \(Setting.apiAuth.name): \(AuthenticationSettings.Mode.keystone.rawValue)")
        }
    }
}
