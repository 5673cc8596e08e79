package import HTTPServer
import NIOCore
package import Settings

extension HTTPLimits {
    /// The bounds of the REST listener that an operator set.
    package init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.connectionsMax = try settings.integer(Setting.apiConnections)
        self.addressConnectionsMax = try settings.integer(Setting.apiConnectionsAddress)
        self.headMax = TimeAmount(try settings.seconds(Setting.apiHeadTimeout))
        self.stallMax = TimeAmount(try settings.seconds(Setting.apiStallTimeout))
        self.bytesPerSecondMin = try settings.integer(Setting.apiBytesPerSecond)
        self.bytesInFlightMax = try settings.integer(Setting.apiBytesInFlight)
        self.addressBytesInFlightMax = try settings.integer(Setting.apiBytesInFlightAddress)
    }
}
