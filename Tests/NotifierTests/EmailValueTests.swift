import Notifier
import Testing

/// What the channel of mail decides without a relay: how one is written, and how long it pauses.
struct EmailValueTests {
    @Test(
        arguments: [
            ("smtp://relay.example", "smtp://relay.example:25", nil),
            ("SMTP://Relay.Example:2525/", "smtp://relay.example:2525", nil),
            ("smtp://u:p@relay.example", "smtp://relay.example:587", "u/p"),
            ("smtp://u@relay.example:25", "smtp://relay.example:25", "u/"),
            ("smtp://a%40b:c%3A@127.0.0.1", "smtp://127.0.0.1:587", "a@b/c:"),
        ] as [(String, String, String?)])
    func `A relay is a URL`(text: String, origin: String, login: String?) throws {
        let url = try RelayURL(text)
        #expect(url.origin == origin && url.login.map { "\($0.user)/\($0.password)" } == login)
    }

    @Test(
        arguments: [
            ("smtps://relay.example", .implicitTLS), ("relay.example", .scheme), ("http://relay.example", .scheme),
            ("smtp://", .host), ("smtp://:p@relay.example", .login), ("smtp://u%0A:p@relay.example", .login),
            ("smtp://u:p%@relay.example", .login), ("smtp://re lay", .host), ("smtp://[::1]:25", .ipv6),
            ("smtp://h:0", .port),
            ("smtp://h:99999", .port), ("smtp://h:x", .port), ("smtp://h/path", .rest), ("smtp://h?x", .rest),
        ] as [(String, RelayURL.Invalid)])
    func `Anything else is refused`(text: String, reason: RelayURL.Invalid) {
        #expect(throws: reason) { try RelayURL(text) }
    }

    @Test func `A relay that fails pauses for longer each time, and not at all after a success`() {
        var health = RelayHealth()
        let now = ContinuousClock.now
        #expect(health.isUsable && health.remaining(at: now) == nil)
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(health.failed(at: now) == (seconds == 1))
            #expect(health.remaining(at: now) == .seconds(seconds) && !health.isUsable)
            #expect(health.remaining(at: now + .seconds(seconds)) == nil)
        }
        #expect(health.succeeded() && health.isUsable && !health.succeeded())
        #expect(health.failed(at: now) && health.remaining(at: now) == .seconds(1))
    }
}
