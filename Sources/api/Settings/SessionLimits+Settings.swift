import Domain
import HTTPServer
import NIOCore
import Settings

extension SessionLimits {
    /// What an operator set of connections.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when no client could answer a ping in time.
    init(_ settings: SettingReader, _ limits: Limits, _ http: HTTPLimits) throws(SettingError) {
        self.init(limits, messageBytesMax: try settings.integer(Setting.apiWebSocketMessage))
        self.framesMax = try settings.integer(Setting.apiWebSocketFrames)
        self.bytesMax = try settings.integer(Setting.apiWebSocketBytes)
        self.processBytesMax = http.bytesInFlightMax
        let anonymous = try settings.seconds(Setting.apiWebSocketAnonymous)
        self.anonymousMax = anonymous == .zero ? nil : TimeAmount(anonymous)
        let ping = try settings.seconds(Setting.apiWebSocketPing)
        let silence = try settings.seconds(Setting.apiWebSocketSilence)
        guard ping < silence else {
            throw .unusable(
                Setting.apiWebSocketSilence, value: settings.text(Setting.apiWebSocketSilence),
                reason: "has to be more than \(Setting.apiWebSocketPing.name)")
        }
        self.pingInterval = TimeAmount(ping)
        self.silenceMax = TimeAmount(silence)
    }
}
