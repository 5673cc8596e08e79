import Domain

/// The token that Herald asks Keystone with: when it is used, when another is made, and when not even that.
///
/// It performs nothing: the caller logs in and reports back.
struct ServiceTokenState: Sendable {
    enum Step: Sendable, Equatable {
        case use(KeystoneToken)
        case login
        /// The last login was refused a moment ago. Another one now would be refused too, and Keystone locks users after some.
        case refused
    }

    /// A token with less left is not used any more, unless it never had twice as much.
    static let marginMilliseconds: Int64 = 30_000
    /// How long no login is tried after a refused one: doubled with each, up to the last.
    static let pauseMilliseconds: Int64 = 500
    static let pauseMillisecondsMax: Int64 = 30_000

    private var token: KeystoneToken?
    /// The id of the user that Herald is; nil: no login has succeeded yet.
    private(set) var user: String?
    private var usableUntil = Timestamp(milliseconds: .min)
    private var refusals = 0
    private var pausedUntil = Timestamp(milliseconds: .min)

    /// - Parameter refused: One that Keystone has refused; nil: none.
    mutating func step(replacing refused: KeystoneToken?, at now: Timestamp) -> Step {
        if let token, token != refused, now < self.usableUntil { return .use(token) }
        self.token = nil
        return now < self.pausedUntil ? .refused : .login
    }

    mutating func loggedIn(_ token: KeystoneToken, of validated: ValidatedToken, at now: Timestamp) {
        let life = max(0, validated.expiry.milliseconds(since: now))
        self.token = token
        self.user = validated.user
        self.usableUntil = now.adding(milliseconds: max(life - Self.marginMilliseconds, life / 2))
        self.refusals = 0
        self.pausedUntil = Timestamp(milliseconds: .min)
    }

    mutating func loginRefused(at now: Timestamp) {
        let pause = min(Self.pauseMilliseconds << Int64(min(self.refusals, 16)), Self.pauseMillisecondsMax)
        self.refusals += 1
        self.pausedUntil = now.adding(milliseconds: pause)
    }
}
