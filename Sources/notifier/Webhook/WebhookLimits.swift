/// What one webhook may cost this house.
package struct WebhookLimits: Sendable, Equatable {
    /// Name, connection and TLS together.
    package var connectTimeout: Duration = .seconds(5)
    /// The whole exchange, from the first look at the name to the last byte of the answer.
    package var timeout: Duration = .seconds(30)
    /// Requests under way at once; connections, kept ones included, stay below it too.
    package var transfersMax = 8192

    package init() {}

    /// Bytes read of an answer's body.
    ///
    /// Nothing in it matters to us, so beyond them the status decides.
    static let bodyBytesMax = 65_536
    /// Bytes read of an answer's header, status lines and 1xx answers included; beyond them the answer is no answer.
    static let headerBytesMax = 65_536
    /// Seconds a kept connection may be idle and still be used.
    ///
    /// Short, since every second makes it likelier that the receiver has closed it, and a request sent into a closed
    /// connection is an attempt lost.
    static let idleSecondsMax = 15
}
