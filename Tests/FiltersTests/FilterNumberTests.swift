import Filters
import Testing

/// How numbers of bodies are compared with those of policies.
struct FilterNumberTests {
    private static func matches(_ condition: String, _ number: String) throws -> Bool {
        try FilterPolicyTests.decision("{\"a\": [\(condition)]}", "{\"a\": \(number)}").isMatch
    }

    private static let spellings = [
        ("0", ["0", "-0", "0.0", "-0.0", "0e0", "0E+5", "-0e-9", "0.000000000000000", "0e99999999999999999999"]),
        (
            "1",
            [
                "1", "1.0", "1e0", "1E0", "10e-1", "0.1e1", "1.000000000000000000000", "0.00000000001e11",
                "100000000000000000000.0e-20",
            ]
        ),
        ("-1", ["-1", "-1.0", "-1e0", "-10E-1"]),
        ("0.00001", ["0.00001", "1e-5", "0.1E-4", "10e-6"]),
        ("301.5", ["301.5", "3.015e2", "3015e-1", "301.50"]),
        ("1e9", ["1000000000", "1e9", "1E+09", "0.1e10", "1000000000.000"]),
        ("-1e9", ["-1000000000", "-1e9"]),
        ("123456789.12345", ["123456789.12345", "12345678912345e-5", "1.2345678912345e8"]),
    ]

    @Test(arguments: Self.spellings)
    func `Spellings of one number are one number`(number: String, spellings: [String]) throws {
        for spelling in spellings {
            #expect(try Self.matches(number, spelling), "\(spelling)")
            #expect(try Self.matches("{\"numeric\": [\"=\", \(number)]}", spelling), "\(spelling)")
            #expect(try Self.matches("{\"numeric\": [\"<=\", \(number)]}", spelling), "\(spelling)")
            #expect(try Self.matches("{\"numeric\": [\">=\", \(number)]}", spelling), "\(spelling)")
            #expect(try !Self.matches("{\"numeric\": [\"<\", \(number)]}", spelling), "\(spelling)")
            #expect(try !Self.matches("{\"numeric\": [\">\", \(number)]}", spelling), "\(spelling)")
            #expect(try !Self.matches("{\"anything-but\": \(number)}", spelling), "\(spelling)")
        }
    }

    /// In ascending order; those of a policy are marked.
    private static let ascending: [(text: String, isPolicys: Bool)] = [
        ("-1e999999999999999999999", false), ("-9223372036854775808", false), ("-1000000001", false),
        ("-1000000000.000000000000000001", false), ("-1000000000", true), ("-999999999.999999999", false),
        ("-999999999.99999", true),
        ("-1.000005", false), ("-1", true), ("-0.999999999", false), ("-0.00001", true), ("-0.000009", false),
        ("-1e-999999999999", false),
        ("0", true), ("1e-400", false), ("0.0000099999", false), ("0.00001", true), ("0.000010000000000001", false),
        ("0.1", true),
        ("0.3", true), ("0.30000000000000004", false), ("999999999.99999", true), ("999999999.999999", false),
        ("1000000000", true),
        ("1000000000.0000000000000001", false), ("1000000000.00001", false), ("1e15", false),
        ("9223372036854775807", false),
        ("1e400", false), ("123456789012345678901234567890.5", false),
    ]

    @Test func `Numbers of any size and precision are compared exactly`() throws {
        for (place, number) in Self.ascending.enumerated() where number.isPolicys {
            for (other, value) in Self.ascending.enumerated() {
                #expect(
                    try Self.matches("{\"numeric\": [\"<\", \(number.text)]}", value.text) == (other < place),
                    "\(value) < \(number)")
                #expect(
                    try Self.matches("{\"numeric\": [\"<=\", \(number.text)]}", value.text) == (other <= place),
                    "\(value) <= \(number)")
                #expect(
                    try Self.matches("{\"numeric\": [\">\", \(number.text)]}", value.text) == (other > place),
                    "\(value) > \(number)")
                #expect(
                    try Self.matches("{\"numeric\": [\">=\", \(number.text)]}", value.text) == (other >= place),
                    "\(value) >= \(number)")
                #expect(try Self.matches("\(number.text)", value.text) == (other == place), "\(value) = \(number)")
                #expect(
                    try Self.matches("{\"anything-but\": [\(number.text)]}", value.text) == (other != place),
                    "\(value) != \(number)")
            }
        }
    }

    @Test func `Many digits take time that grows with their number`() throws {
        let digits = String(repeating: "0", count: 200_000)
        #expect(try Self.matches("1", "1.\(digits)"))
        #expect(try Self.matches("1", "0.\(digits)1e200001"))
        #expect(try Self.matches("{\"numeric\": [\">\", 1]}", "1.\(digits)1"))
    }
}
