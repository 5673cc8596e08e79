package import Domain
package import HTTPClient

/// One POST to a subscriber, ready to be sent, and who wants to hear how it went.
package struct WebhookRequest: Sendable {
    /// What libcurl is given; user information in it becomes basic authentication.
    package let url: String
    /// The origin of the URL, see ``HTTPURL/origin``.
    package let host: String
    /// What is looked up to reach it, see ``HTTPURL/hostName``.
    package let hostName: HostName?
    /// `Name: value` each, without line ends.
    package let headers: [String]
    package let body: PinnedBytes
    /// Whose it is: many requests of one project do not delay those of another.
    package let project: ProjectID?
    /// Called exactly once, on the thread that owns the transfers: it must be short and never block.
    package let completion: @Sendable (WebhookResult) -> Void

    package init(
        url: String, host: String, hostName: HostName?, headers: [String], body: PinnedBytes,
        project: ProjectID? = nil,
        completion: @escaping @Sendable (WebhookResult) -> Void
    ) {
        self.url = url
        self.host = host
        self.hostName = hostName
        self.headers = headers
        self.body = body
        self.project = project
        self.completion = completion
    }
}

/// How one request ended.
package enum WebhookResult: Sendable, Equatable {
    case finished(Outcome, Exchange)
    /// The house stopped it; the subscriber may or may not have seen it.
    case aborted
}

/// Bytes at an address that does not move, so that C may read them while Swift looks elsewhere.
///
/// One copy serves every transfer that sends the same body: a message to 10,000 subscribers is in memory once.
package final class PinnedBytes: Sendable {
    package let count: Int
    // Written in `init` before anyone else can know of it, and only read afterwards.
    nonisolated(unsafe) private let storage: UnsafeMutableRawBufferPointer

    package init(_ bytes: some Collection<UInt8>) {
        self.count = bytes.count
        self.storage = .allocate(byteCount: bytes.count, alignment: 1)
        self.storage.copyBytes(from: bytes)
    }

    deinit {
        self.storage.deallocate()
    }

    /// Valid as long as this object lives.
    var start: UnsafeMutableRawPointer? { self.storage.baseAddress }

    func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        self.storage.withMemoryRebound(to: UInt8.self) { body($0.span) }
    }
}
