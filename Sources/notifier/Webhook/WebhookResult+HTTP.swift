import Domain
import HTTPClient

extension WebhookResult {
    init(_ result: HTTPClientResult) {
        switch result {
        case .responded(let response, let exchange):
            let retryAfter = response["retry-after"].flatMap { RetryAfter($0, sentAt: response["date"]) }
            self = .finished(Outcome(status: response.status, retryAfter: retryAfter), Exchange(exchange))
        case .failed(let failure, let exchange): self = .finished(Outcome(failure), Exchange(exchange))
        case .aborted: self = .aborted
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
