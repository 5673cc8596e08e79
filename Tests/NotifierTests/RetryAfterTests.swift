import Notifier
import Testing

struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT.
    private let moment = 784_111_777

    @Test(arguments: [("0", 0), ("1", 1), ("120", 120), ("86401", 86_400), ("99999999999999999999999", 86_400)])
    func `A number is seconds, cut to a day`(text: String, seconds: Int) {
        #expect(RetryAfter.seconds(text, now: 0) == seconds)
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func `A date is a wait from now, never negative`(text: String) {
        #expect(RetryAfter.seconds(text, now: self.moment - 90) == 90)
        #expect(RetryAfter.seconds(text, now: self.moment + 90) == 0)
    }

    @Test(arguments: [("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800), ("Thu, 01 Jan 1970 00:00:10 GMT", 10)])
    func `Leap days and the first day are counted right`(text: String, seconds: Int) {
        #expect(RetryAfter.seconds(text, now: seconds - 5) == 5)
    }

    @Test(arguments: [
        "", "-1", "+5", "5 minutes", "5.5", "soon", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "١٢",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
    ])
    func `Anything else is no wish`(text: String) {
        #expect(RetryAfter.seconds(text, now: 0) == nil)
    }
}
