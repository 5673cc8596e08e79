import HTTPClient
import Testing

struct HTTPURLTests {
    @Test(arguments: [
        "http://a.example/hook?x=1", "HTTP://A.example:80", "http://a%2Eexample#f", "http://user:p%40ss@a.example?b",
        "http:/a.example/p", "http://u\\@a.example/", "http://a.example.", "http://a.example:/x",
        "http://a.example:00080/", "http://@a.example/", "trust+http://a.example/", "TRUST+HTTP://a.example/",
    ])
    func `Every spelling of a host has one origin`(text: String) throws {
        #expect(try HTTPURL(text).origin == "http://a.example:80")
    }

    @Test(arguments: [
        ("http://0", "http://0.0.0.0:80"), ("http://14", "http://0.0.0.14:80"),
        ("http://0x7f.1/", "http://127.0.0.1:80"),
        ("http://2130706433/", "http://127.0.0.1:80"), ("http://0177.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://0x7f00000%31/", "http://127.0.0.1:80"), ("http://0x7f.0.0.1./", "http://127.0.0.1:80"),
        ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1:80"), ("http://[0:0::0001]:81/", "http://[::1]:81"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]:443"), ("http://fake:8080", "http://fake:8080"),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9"), ("https://a", "https://a:443"),
    ])
    func `An origin is scheme, canonical host and port`(text: String, origin: String) throws {
        #expect(try HTTPURL(text).origin == origin)
    }

    @Test(arguments: ["http://A.example:80/%41?x#y", "https://user:pass@h/", "http://h/\u{fc}"])
    func `The text stays as it was written`(text: String) throws {
        #expect(try HTTPURL(text).text == text)
        #expect(try HTTPURL("trust+" + text).text == text)
    }

    @Test(arguments: [
        ("http://127.0.0.1:9999/in ", HTTPURLInvalid.blank), ("http://exa mple.test/", .blank), (" http://h/", .blank),
        ("http://h/\u{0}", .blank), ("http://h\u{0}.evil/", .blank), ("http://h/\r\nx", .blank),
        ("http://h/\u{a0}", .blank),
        ("http://h/\u{7f}", .blank), ("http:", .scheme), ("http:h/p", .scheme), ("ftp://h/", .scheme), ("h/p", .scheme),
        ("", .scheme), ("http://user:p@ss@h/", .host), ("http://", .noHost), ("http:///x", .noHost),
        ("http://./", .noHost), ("http://a../", .host), ("http://u@/", .noHost),
        ("http://:80/", .noHost), ("http://h:abc/", .port), ("http://127.0.0.1:99999/", .port), ("http://h:0/", .port),
        ("http://h:-1/", .port), ("http://[::1/", .host), ("http://[::g]/", .host), ("http://a<b/", .host),
        ("http://b\u{fc}cher.test/", .hostNotASCII), ("http://b%c3%bccher.test/", .hostNotASCII),
        ("http://" + String(repeating: "a.", count: 127) + "a/", .hostTooLong),
        ("http://h/" + String(repeating: "a", count: 8192), .tooLong),
    ])
    func `A text that is not a URL is refused with what is wrong with it`(text: String, fault: HTTPURLInvalid) {
        #expect(throws: fault) { try HTTPURL(text) }
        #expect(HTTPURL.origin(of: text) == HTTPURL.unreadableOrigin)
    }
}
