import Domain
import HTTPClient
import Keystone
import Logging
import NIOConcurrencyHelpers
import Runtime

/// Attempts that bring a token of the user who subscribed the endpoint: they wait for it, and go out with it.
///
/// ```
/// attempt ─ token by its trust ─ request ─ answer
///                ▲                  │
///                └──── 401, once ───┘
/// ```
/// Where Keystone says nothing the delivery is handed back; where it says that the trust is over, that is a failed attempt.
final class TrustedAttempts: Sendable {
    /// How long nothing of a subscription begins while Keystone says nothing.
    private static let pause = Duration.seconds(5)

    private struct Waiting {
        var last = 0
        var attempts: [Int: Attempt] = [:]
    }

    private let tokens: TrustTokens?
    private let client: CurlClient
    private let waiting = NIOLockedValueBox(Waiting())
    private let logger: Logger

    /// - Parameter tokens: nil: there are none, and every attempt fails.
    init(_ tokens: TrustTokens?, client: CurlClient, logger: Logger) {
        self.tokens = tokens
        self.client = client
        self.logger = logger
    }

    /// Starts an attempt; its completion is called once.
    func send(_ attempt: Attempt, to target: WebhookTarget, at url: HTTPURL) {
        self.send(attempt, to: target, at: url, refused: nil)
    }

    /// Ends the attempts that wait for a token; the client has the others.
    func abortAll() {
        let attempts = self.waiting.withLockedValue { waiting in
            defer { waiting.attempts = [:] }
            return waiting.attempts.values
        }
        for attempt in attempts { attempt.completion(.aborted) }
    }

    /// - Parameter refused: The token that the endpoint refused just now; nil: none was.
    private func send(_ attempt: Attempt, to target: WebhookTarget, at url: HTTPURL, refused: KeystoneToken?) {
        guard let tokens = self.tokens, let trust = target.trust else {
            return attempt.completion(target.judgeTrust())
        }
        let number = self.waiting.withLockedValue { waiting in
            waiting.last += 1
            waiting.attempts[waiting.last] = attempt
            return waiting.last
        }
        Task {
            do throws(KeystoneTrouble) {
                let token = try await tokens.token(by: trust, replacing: refused, owner: attempt.project.text)
                guard let attempt = self.end(number) else { return }
                guard let token else { return attempt.completion(target.judgeTrust()) }
                self.request(attempt, target, url, token, isSecond: refused != nil)
            } catch {
                self.logger.warning(
                    "Keystone gives no token for a subscriber",
                    metadata: [LogKey.reason: "\(error.word)", LogKey.error: "\(error)"])
                self.end(number)?.completion(error == .stopped ? .aborted : .held(nil, Exchange(), for: Self.pause))
            }
        }
    }

    /// nil when it was aborted meanwhile.
    @discardableResult
    private func end(_ number: Int) -> Attempt? {
        self.waiting.withLockedValue { $0.attempts.removeValue(forKey: number) }
    }

    private func request(
        _ attempt: Attempt, _ target: WebhookTarget, _ url: HTTPURL, _ token: KeystoneToken, isSecond: Bool
    ) {
        self.client.send([
            HTTPClientRequest(
                .post, url, headers: ["X-Auth-Token: \(token.text)"] + WebhookHeaders.lines(of: attempt, to: target),
                body: attempt.body, owner: attempt.project.text
            ) { result in
                if case .responded(let response, _) = result, response.status == 401, !isSecond {
                    self.send(attempt, to: target, at: url, refused: token)
                } else {
                    attempt.completion(target.judge(result))
                }
            }
        ])
    }
}
