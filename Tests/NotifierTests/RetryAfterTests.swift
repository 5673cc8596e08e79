import Domain
import Notifier
import Testing

struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT.
    private let moment = 784_111_777

    @Test(arguments: [
        ("0", 0), ("1", 1), ("120", 120), ("86401", 86_401), ("99999999999999999999999", NotBefore.secondsMax),
    ])
    func `A number is seconds`(text: String, seconds: Int) {
        #expect(NotBefore(retryAfter: text, sentAt: nil) == .delay(seconds: seconds))
        #expect(NotBefore(retryAfter: text, sentAt: "Sun, 06 Nov 1994 08:49:37 GMT") == .delay(seconds: seconds))
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func `A date is a delay from the answer's own Date, never negative, and a moment without one`(text: String) {
        #expect(NotBefore(retryAfter: text, sentAt: "Sun, 06 Nov 1994 08:48:07 GMT") == .delay(seconds: 90))
        #expect(NotBefore(retryAfter: text, sentAt: "Sun, 06 Nov 1994 08:51:07 GMT") == .delay(seconds: 0))
        for date in [nil, "", "yesterday", String(repeating: "x", count: 1000)] {
            #expect(
                NotBefore(retryAfter: text, sentAt: date) == .time(Timestamp(milliseconds: Int64(self.moment) * 1000)))
        }
    }

    @Test(arguments: [("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800), ("Thu, 01 Jan 1970 00:00:10 GMT", 10)])
    func `Leap days and the first day are counted right`(text: String, seconds: Int64) {
        #expect(NotBefore(retryAfter: text, sentAt: nil) == .time(Timestamp(milliseconds: seconds * 1000)))
    }

    @Test(arguments: [
        "", "-1", "+5", "5 minutes", "5.5", "soon", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "١٢",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
    ])
    func `Anything else is ignored`(text: String) {
        #expect(NotBefore(retryAfter: text, sentAt: nil) == nil)
    }
}
