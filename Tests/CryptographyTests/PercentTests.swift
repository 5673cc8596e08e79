import Cryptography
import Testing

struct PercentTests {
    @Test(arguments: [
        ("a%20b", "a b"), ("%c3%A9", "\u{e9}"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("a+b", "a+b"),
        ("%ff", "\u{FFFD}"), ("", ""),
    ])
    func `A sign without two digits stands for itself`(encoded: String, text: String) {
        #expect(Percent.decode(encoded[...]) == text)
    }

    @Test func `In a form a plus sign is a blank`() {
        #expect(Percent.decode("a+b%2Bc"[...], isForm: true) == "a b+c")
    }

    @Test(
        arguments: [
            ("a%20b", "a b"), ("%c3%A9", "\u{e9}"), ("a+b", "a+b"), ("", ""), ("%", nil), ("%4", nil), ("%zz", nil),
            ("a%2", nil),
        ] as [(String, String?)])
    func `Read strictly, such a sign is refused`(encoded: String, text: String?) {
        #expect(Percent.decodeStrictly(encoded.utf8) == text.map { Array($0.utf8) })
    }

    @Test func `All is encoded but what needs no encoding, and what is kept`() {
        #expect(Percent.encode("aZ09-._~ /:%\u{e9}\n") == "aZ09-._~%20%2F%3A%25%C3%A9%0A")
        #expect(Percent.encode("a/b:c&", keeping: "/:") == "a/b:c%26")
    }
}
