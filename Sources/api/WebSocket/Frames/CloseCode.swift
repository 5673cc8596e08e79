/// Why a connection ends (RFC 6455, 7.4).
package struct CloseCode: Sendable, Hashable {
    package let number: UInt16

    package static let normal = CloseCode(number: 1000)
    package static let protocolError = CloseCode(number: 1002)
    package static let notUTF8 = CloseCode(number: 1007)
    package static let tooLarge = CloseCode(number: 1009)
    /// The server stops, and another one may be there already.
    package static let restart = CloseCode(number: 1012)
    /// The server, or what waits for this client, is at a bound.
    package static let overloaded = CloseCode(number: 1013)
    /// The identity of the connection has ended, or was never established.
    package static let authenticationExpired = CloseCode(number: 4003)

    /// Whether a frame may have it: the other numbers are for programs that talk about connections, or mean nothing.
    package var isSendable: Bool {
        switch self.number {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
