/// What one webhook may cost this house.
package struct WebhookLimits: Sendable, Equatable {
    /// Name, connection and TLS together.
    package var connectTimeout: Duration = .seconds(5)
    /// The whole exchange, from the first look at the name to the last byte of the answer.
    package var timeout: Duration = .seconds(30)
    /// Requests under way at once; connections, kept ones included, stay below it too.
    package var transfersMax = 8192
    /// For how long an address is used that a name once had: a connection is kept no longer than this, however busy, less
    /// the time for which names are kept.
    ///
    /// From 2 s; so soon a receiver that moved is found, and a name that leads elsewhere is judged by the egress policy.
    package var addressAgeMax: Duration = .seconds(60)

    package init() {}

    /// How long the addresses of a name are used while its name server does not answer: a third of ``addressAgeMax``.
    var namesUsableMax: Duration { self.addressAgeMax / 3 }

    /// Seconds after which libcurl, which compares whole seconds, does not use a connection again.
    var connectionSecondsMax: Int {
        max(1, (self.addressAgeMax - self.namesUsableMax).milliseconds / 1000 - 1)
    }

    /// Bytes read of an answer's body.
    ///
    /// Nothing in it matters to us, so beyond them the status decides.
    static let bodyBytesMax = 65_536
    /// Lines and bytes read of an answer's heads: informational answers and trailers included, the blank lines between
    /// them not counted; beyond them the answer is no answer.
    ///
    /// libcurl keeps every line it has read until the transfer ends, and the one it is reading, up to 100 KiB of it. That
    /// and these two bound what an answer costs in memory to 128 KiB a transfer.
    static let headLinesMax = 100
    static let headBytesMax = 16_384
    /// Seconds a kept connection may be idle and still be used.
    ///
    /// Short, since every second makes it likelier that the receiver has closed it, and that a request sent into it has to
    /// be sent again.
    static let idleSecondsMax = 15
    /// How long the addresses of a name are used without another look.
    static let namesFreshMax = Duration.seconds(5)
}

extension Duration {
    /// Whole milliseconds, as libcurl counts.
    var milliseconds: Int {
        Int(self.components.seconds) * 1000 + Int(self.components.attoseconds / 1_000_000_000_000_000)
    }
}
