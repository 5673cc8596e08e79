package import Documents
package import Domain
package import HTTPClient
package import Signing

/// The endpoint of one subscription: where its requests go, what is the same in all of them, and what its answers mean.
package final class WebhookTarget: ChannelTarget {
    /// Why it cannot be called, where its address is no URL.
    package let url: Result<HTTPURL, HTTPURLInvalid>
    /// The origin of the URL, see ``HTTPURL/origin``.
    package let host: String
    package let byteCount: Int
    /// The headers that are the same in all its requests, `Name: value` each.
    let headers: [String]
    private let secrets: WebhookSecrets
    private let signatures: SignatureSchemes
    /// Those of the project, where they are asked for; nil: not, or not known.
    private let keys: WebhookSigningKeys?
    /// Whether its requests bring a token of the user who subscribed it.
    let isTrusted: Bool
    /// By which that token is asked for; nil: the subscription has none.
    let trust: TrustID?
    /// nil: the body is the notification itself.
    private let template: PostTemplate?
    private let finalStatuses: FinalStatuses
    private let queue: QueueName
    private let format: DeliveryFormat

    package init(
        _ address: String, subscription: SubscriptionID, in queue: QueueName, options: DeliveryOptions,
        secrets: WebhookSecrets, keys: WebhookSigningKeys? = nil
    ) {
        // An address that was kept before it was checked fails when it is sent to.
        self.url = Result { () throws(HTTPURLInvalid) in try HTTPURL(address) }
        let url = try? self.url.get()
        self.host = url?.origin ?? HTTPURL.unreadableOrigin
        self.secrets = secrets
        self.signatures = options.signatures
        self.keys = keys
        self.isTrusted = (try? Subscriber(stored: address))?.scheme.isTrusted == true
        self.trust = options.trust
        self.template = options.template
        self.finalStatuses = options.finalStatuses
        self.queue = queue
        self.format = options.format
        let own = options.headers.headers
        self.headers =
            Self.lines(of: own, options.format) + ["herald-subscription-id: \(subscription.text)"]
            // The notification names its queue itself.
            + (options.format == .zaqar ? [] : ["herald-queue: \(queue.text)"])
        self.byteCount =
            address.utf8.count + self.host.utf8.count
            + (url?.hostName.map { $0.name.utf8.count + $0.key.utf8.count } ?? 0)
            + options.finalStatuses.bytes + (options.template?.count ?? 0)
            + own.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }

    package var content: DeliveryFormat.Content { self.format.content }

    package var hasOwnBodies: Bool { self.template != nil }

    package func ownBody(from document: PinnedBytes) -> PinnedBytes {
        guard let template = self.template else { return document }
        return document.withSpan { PinnedBytes(template.rendered(with: $0)) }
    }

    // MARK: Signatures

    /// Whether the keys are known that its subscription asks for: without them nothing is sent, since a receiver would refuse it.
    var canSign: Bool { !self.signatures.includesAsymmetric || self.keys != nil }

    /// The value of the header `webhook-signature`, that of the secret first.
    func signature(id: String, at now: Timestamp, body: Span<UInt8>) -> String {
        let symmetric =
            self.signatures.includesSymmetric ? self.secrets.signature(id: id, at: now, body: body) : nil
        let asymmetric =
            self.signatures.includesAsymmetric ? self.keys?.signature(id: id, at: now, body: body) : nil
        return [symmetric, asymmetric].compactMap { $0 }.joined(separator: " ")
    }

    /// How long a delivery waits whose keys are not known.
    private static let keyPause = Duration.seconds(5)

    /// What it comes to that the keys are not known: nothing is said of the subscriber.
    func judgeMissingKeys() -> AttemptResult { .postponed(Self.keyPause) }

    // MARK: Headers

    /// The headers that say what one attempt carries, where its format has such.
    func eventHeaders(of attempt: Attempt) -> [String] {
        guard self.format == .cloudEventsBinary else { return [] }
        return CloudEvent(
            message: attempt.message, delivery: attempt.delivery, kind: attempt.kind, queue: self.queue
        ).headers
    }

    /// What the subscription asks for wins over what every webhook has.
    private static func lines(of headers: [PostHeaders.Header], _ format: DeliveryFormat) -> [String] {
        let hasType = headers.contains { $0.name.lowercased() == "content-type" }
        // To libcurl a name with a colon alone means: leave that header out; a semicolon: send it empty.
        return (hasType ? [] : ["Content-Type: \(format.contentType)"])
            + headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    }

    // MARK: Answers

    /// The fields of a response that are read.
    static let fieldsRead = ["retry-after", "date"]
    /// "Gone": the subscriber does not want to be sent to any more (Standard Webhooks).
    private static let goneStatus = 410

    /// What a request came to.
    func judge(_ result: HTTPClientResult) -> AttemptResult {
        switch result {
        case .responded(let response, let exchange):
            let notBefore = response["retry-after"].flatMap { NotBefore(retryAfter: $0, sentAt: response["date"]) }
            return .finished(self.outcome(status: response.status, notBefore: notBefore), Exchange(exchange))
        case .failed(let failure, let exchange): return .finished(Outcome(failure), Exchange(exchange))
        case .aborted: return .aborted
        }
    }

    /// What a trust comes to that Keystone gives no token for.
    func judgeTrust() -> AttemptResult { .finished(.unreachable(.trust), Exchange()) }

    /// What an address that is no URL comes to.
    func judge(_ reason: HTTPURLInvalid) -> AttemptResult {
        .finished(reason == .scheme ? .forbidden : .unreachable(.other), Exchange())
    }

    /// Sorts statuses as the Standard Webhooks specification does: 2xx is a success, everything else a failure to retry, but
    /// for 410 and what the subscription names in `_final_statuses`.
    ///
    /// - Parameter notBefore: What the response asks for by `Retry-After`.
    package func outcome(status: Int, notBefore: NotBefore?) -> Outcome {
        switch status {
        case 200..<300: .accepted(code: status)
        case Self.goneStatus: .gone(code: status)
        default:
            self.finalStatuses.contains(status)
                ? .refused(code: status) : .deferred(code: status, notBefore: notBefore)
        }
    }
}

extension Outcome {
    fileprivate init(_ failure: HTTPClientFailure) {
        switch failure {
        case .resolve: self = .unreachable(.resolve)
        case .connect: self = .unreachable(.connect)
        case .tls: self = .unreachable(.tls)
        case .timeout: self = .unreachable(.timeout)
        case .closed: self = .unreachable(.closed)
        case .malformed: self = .unreachable(.malformed)
        case .tooLarge: self = .unreachable(.tooLarge)
        case .forbidden: self = .forbidden
        case .other: self = .unreachable(.other)
        }
    }
}

extension Exchange {
    fileprivate init(_ exchange: HTTPExchange) {
        self.init()
        self.dns = exchange.dns
        self.connect = exchange.connect
        self.tls = exchange.tls
        self.firstByte = exchange.firstByte
        self.total = exchange.total
        self.address = exchange.address.map { AddressClass($0) }
        self.reconnected = exchange.reconnected
    }
}
