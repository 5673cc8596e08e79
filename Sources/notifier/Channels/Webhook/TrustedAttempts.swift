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
/// Without an answer of Keystone the delivery is handed back. So it is once when a trust turns out to be over, since the subscription may have
/// another one by now; after that it is a failed attempt.
final class TrustedAttempts: Sendable {
    /// How long nothing of a subscription begins while there is no answer.
    private static let pause = Duration.seconds(5)
    /// The same where the notifier has no user of Keystone.
    private static let pauseWithoutTrustee = Duration.seconds(60)
    /// How soon a subscription is read again.
    private static let rereadPause = Duration.seconds(1)

    private struct Waiting {
        var hasEnded = false
        var last = 0
        var attempts: [Int: Attempt] = [:]
    }

    private let tokens: TrustTokens?
    private let client: CurlClient
    private let waiting = NIOLockedValueBox(Waiting())
    private let logger: Logger

    /// - Parameter tokens: nil: the notifier has no user of Keystone, and every delivery is handed back.
    init(_ tokens: TrustTokens?, client: CurlClient, logger: Logger) {
        self.tokens = tokens
        self.client = client
        self.logger = logger
    }

    /// Starts an attempt; its completion is called once.
    func send(_ attempt: Attempt, to target: WebhookTarget, at url: HTTPURL) {
        self.send(attempt, to: target, at: url, refused: nil)
    }

    /// Ends the attempts that wait for a token, and begins none any more; the client has the others.
    func end() {
        let attempts = self.waiting.withLockedValue { waiting in
            waiting.hasEnded = true
            defer { waiting.attempts = [:] }
            return waiting.attempts.values
        }
        for attempt in attempts { attempt.completion(.aborted) }
    }

    /// - Parameter refused: The token that the endpoint refused just now; nil: none was.
    private func send(_ attempt: Attempt, to target: WebhookTarget, at url: HTTPURL, refused: Refused?) {
        guard let tokens = self.tokens else {
            self.logger.warning("Subscribers that are called with a token wait: trustee.user is not set")
            return attempt.completion(.held(nil, Exchange(), for: Self.pauseWithoutTrustee))
        }
        guard let trust = target.trust else { return attempt.completion(target.judgeTrust()) }
        guard let number = self.register(attempt) else { return attempt.completion(.aborted) }
        Task {
            do throws(KeystoneTrouble) {
                let answer = try await tokens.token(
                    by: trust, replacing: refused?.token, owner: attempt.project.text)
                switch answer {
                case .token(let token) where token == refused?.token:
                    if let refused { self.take(number)?.completion(target.judge(refused.result)) }
                case .token(let token): self.request(number, target, url, token, isSecond: refused != nil)
                case .over(isNews: true): self.take(number)?.completion(.postponed(Self.rereadPause))
                case .over(isNews: false): self.take(number)?.completion(target.judgeTrust())
                }
            } catch {
                self.logger.warning(
                    "No token for a subscriber: Keystone does not answer",
                    metadata: [LogKey.reason: "\(error.word)", LogKey.error: "\(error)"])
                self.take(number)?.completion(error == .stopped ? .aborted : .held(nil, Exchange(), for: Self.pause))
            }
        }
    }

    /// What an endpoint answered to a token.
    private struct Refused: Sendable {
        let token: KeystoneToken
        let result: HTTPClientResult
    }

    /// - Returns: nil: no attempt begins any more.
    private func register(_ attempt: Attempt) -> Int? {
        self.waiting.withLockedValue { waiting in
            guard !waiting.hasEnded else { return nil }
            waiting.last += 1
            waiting.attempts[waiting.last] = attempt
            return waiting.last
        }
    }

    /// nil when it has ended meanwhile.
    private func take(_ number: Int) -> Attempt? {
        self.waiting.withLockedValue { $0.attempts.removeValue(forKey: number) }
    }

    private func request(
        _ number: Int, _ target: WebhookTarget, _ url: HTTPURL, _ token: KeystoneToken, isSecond: Bool
    ) {
        // In one step: an attempt either waits here or is the client's when all are ended.
        self.waiting.withLockedValue { waiting in
            guard let attempt = waiting.attempts.removeValue(forKey: number) else { return }
            self.client.send([
                HTTPClientRequest(
                    .post, url,
                    headers: ["X-Auth-Token: \(token.text)"] + WebhookHeaders.lines(of: attempt, to: target),
                    body: attempt.body, owner: attempt.project.text
                ) { result in
                    if case .responded(let response, _) = result, response.status == 401, !isSecond {
                        self.send(attempt, to: target, at: url, refused: Refused(token: token, result: result))
                    } else {
                        attempt.completion(target.judge(result))
                    }
                }
            ])
        }
    }
}
