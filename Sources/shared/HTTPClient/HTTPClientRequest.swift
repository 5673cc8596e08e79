/// One request, ready to be sent, and what is called with its result.
package struct HTTPClientRequest: Sendable {
    /// The methods that the client speaks; `post`, `put` and `patch` send a body.
    package enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"

        var hasBody: Bool {
            switch self {
            case .post, .put, .patch: true
            case .get, .head, .delete: false
            }
        }
    }

    package let method: Method
    /// User information in it becomes basic authentication.
    package let url: HTTPURL
    /// `Name: value` each, without line ends.
    ///
    /// As libcurl has it, `Name:` leaves a header out and `Name;` sends it empty. A body without a `Content-Type` here goes
    /// out as a form.
    package let headers: [String]
    /// Sent when the method has a body; nil: an empty one.
    package let body: PinnedBytes?
    /// Who has it sent: owners take turns, so that many requests of one do not delay those of another.
    package let owner: String?
    /// How long the whole exchange may take, when that is less than ``HTTPClientLimits/timeout``; nil: as long as that.
    package let timeout: Duration?
    /// Called exactly once, on the thread that owns the transfers: it must be short and never block.
    package let completion: @Sendable (HTTPClientResult) -> Void

    package init(
        _ method: Method, _ url: HTTPURL, headers: [String] = [], body: PinnedBytes? = nil, owner: String? = nil,
        timeout: Duration? = nil, completion: @escaping @Sendable (HTTPClientResult) -> Void
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.owner = owner
        self.timeout = timeout
        self.completion = completion
    }
}

extension HTTPClientRequest {
    /// Milliseconds that the whole exchange may take.
    func milliseconds(_ limits: HTTPClientLimits) -> Int64 {
        Int64(min(self.timeout ?? limits.timeout, limits.timeout).milliseconds)
    }
}

/// Bytes at an address that does not move, so that C may read them while Swift looks elsewhere.
///
/// One copy serves every transfer that sends the same body: a message to 10,000 subscribers is in memory once.
package final class PinnedBytes: Sendable {
    package let count: Int
    // Written in `init` before another thread can reach it, and only read afterwards.
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

    /// A copy.
    package var bytes: [UInt8] { Array(self.storage) }

    package func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        self.storage.withMemoryRebound(to: UInt8.self) { body($0.span) }
    }
}

/// A request that is to begin, or to begin again.
struct PendingRequest {
    let request: HTTPClientRequest
    /// Since when it waits for its name, ms; nil: it has not had to.
    var since: Int64?
    /// What it has behind it when it begins again; nil: it begins.
    var earlier: Earlier?

    /// The part of an exchange that lies before its second begin.
    struct Earlier {
        /// When it began, ms.
        let startedAt: Int64
        /// Whether it was sent, over a kept connection that ended before a byte of a response.
        let wasSent: Bool
    }
}
