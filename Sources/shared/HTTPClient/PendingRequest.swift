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
