import HTTPClient
import TestKit
import Testing

/// Addresses of subscribers, as tenants write them.
struct URLFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `A text is a URL or refused, and what is read is read the same again`() throws
    {
        var fuzzer = Fuzzer(
            "subscriber-urls",
            corpus: [
                "http://a.example/p?q=1", "https://u:p%40@[::1]:8443/x#f", "http:/host/p", #"http://u\@host/"#,
                "http://14",
                "HTTP://A.", "trust+https://a:00080/", "http://0x7f.1/", "http://[::ffff:127.0.0.1]/",
            ],
            tokens: [
                "http", "https:", ":", "//", "/", "@", "[", "]", "::1", ".", "%41", "%", "%00", "\\", "?", "#", "0x7f",
                "é", " ",
                "\t", "\r\n", "\0", "trust+", "xn--", "。",
            ],
            rounds: 20_000)
        let origin = fuzzer.origin
        try fuzzer.run { (bytes: [UInt8]) in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let url = try? HTTPURL(text) else { return }
            // The prefix `trust+` is cut off, in any case.
            let prefix = text.utf8.count - url.text.utf8.count
            #expect(prefix == 0 || prefix == 6, "\(origin): \(text)")
            #expect(text.utf8.dropFirst(prefix).elementsEqual(url.text.utf8), "\(origin): \(text)")
            #expect((try? HTTPURL(url.origin))?.origin == url.origin, "\(origin): \(text)")
            #expect(!text.utf8.contains { $0 <= 0x20 || $0 == 0x7F }, "\(origin): \(text.debugDescription)")
        }
    }
}
