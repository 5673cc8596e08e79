import Policy
import Testing

/// What check strings mean, and what is wrong with those that are none.
struct CheckStringTests {
    private static func text(_ text: String) -> CheckText { CheckText([.text(text)]) }

    private static let project = CheckText([.target(.projectID)])

    @Test func `Every check of the grammar is read`() throws {
        let rows: [(String, PolicyCheck)] = [
            ("", .allow), ("@", .allow), ("!", .deny), ("role:Admin", .role(Self.text("Admin"))),
            ("rule:context_is_admin", .rule("context_is_admin")), ("rule:a:b", .rule("a:b")),
            ("user_id:u", .credential(.userID, Self.text("u"))),
            ("project_id:p", .credential(.projectID, Self.text("p"))),
            ("is_admin:True", .credential(.isAdmin, Self.text("True"))),
            ("roles:a", .credential(.roles, Self.text("a"))),
            ("system_scope:all", .credential(.systemScope, Self.text("all"))),
            ("domain_id:d", .credential(.domainID, Self.text("d"))),
            ("client_id:c", .credential(.clientID, Self.text("c"))),
            ("project_id:%(project_id)s", .credential(.projectID, Self.project)),
            (
                "user_id:a%(project_id)s-50%%",
                .credential(.userID, CheckText([.text("a"), .target(.projectID), .text("-50%")]))
            ),
            ("'p':%(project_id)s", .literal("p", Self.project)), ("\"it's\":x", .literal("it's", Self.text("x"))),
            ("'':x", .literal("", Self.text("x"))), ("'a:b':x", .literal("a:b", Self.text("x"))),
            ("True:%(project_id)s", .literal("True", Self.project)), ("-12:x", .literal("-12", Self.text("x"))),
            ("role:a:b", .role(Self.text("a:b"))), ("role:größe", .role(Self.text("größe"))),
        ]
        for (text, check) in rows { #expect(try PolicyCheck(text: text) == check, "\(text)") }
    }

    @Test func `'not' binds closest, then 'and', then 'or', in any case, and parentheses group`() throws {
        let (a, b, c) = (PolicyCheck.rule("a"), PolicyCheck.rule("b"), PolicyCheck.rule("c"))
        let rows: [(String, PolicyCheck)] = [
            ("rule:a or rule:b and rule:c", .any([a, .all([b, c])])),
            ("rule:a and rule:b or rule:c", .any([.all([a, b]), c])),
            ("(rule:a or rule:b) and rule:c", .all([.any([a, b]), c])),
            ("not rule:a and rule:b", .all([.not(a), b])), ("not (rule:a and rule:b)", .not(.all([a, b]))),
            ("NOT rule:a Or rule:b AND rule:c", .any([.not(a), .all([b, c])])),
            ("rule:a and rule:b and rule:c", .all([a, b, c])), ("rule:a or rule:b or rule:c", .any([a, b, c])),
            ("( ( (rule:a) ) )", a), ("not not rule:a", .not(.not(a))),
            (" \t\nrule:a\r\n", a), ("rule:a and (rule:b and rule:c)", .all([a, .all([b, c])])),
        ]
        for (text, check) in rows { #expect(try PolicyCheck(text: text) == check, "\(text)") }
    }

    @Test(arguments: [
        (" ", 2, "expected a check such as"), ("role", 1, "expected a check such as"),
        ("role:", 6, "text behind the colon"),
        ("rule:a role:b", 8, "expected 'and', 'or', ')' or the end"), ("rule:a and", 11, "expected a check"),
        ("or rule:a", 1, "expected a check"), ("(rule:a", 8, "expected ')'"), ("rule:a)", 7, "'and', 'or'"),
        ("()", 2, "expected a check"), ("not", 4, "expected a check"),
        ("rule:a and and rule:b", 12, "expected a check"),
        ("((rule:a) or(rule:b))", 13, "a blank between a parenthesis"), ("not(rule:a)", 4, "a blank between"),
        ("(role:a)and role:b", 8, "a blank between"), ("rule:a(b", 7, "a blank between"),
        ("rol:a", 1, "did you mean 'role'?"), ("projct_id:a", 1, "did you mean 'project_id'?"),
        ("http://policy.example/check", 1, "expected role, rule, or one of roles, user_id"),
        (":a", 1, "expected role, rule"), ("01:a", 1, "expected role"), ("'a", 3, "the end of the quoted text"),
        ("'a b':c", 3, "the end of the quoted text"), ("'a'", 4, "a colon"), ("'a':", 5, "text behind"),
        ("'a\\n':b", 3, "backslashes"), ("user_id:'u'", 9, "quotes"), ("role:\"a\"", 6, "quotes"),
        ("user_id:%(user_id)s", 9, "expected %(project_id)s, or %%"), ("user_id:%s", 9, "expected %(project_id)s"),
        ("user_id:%(project_id)d", 9, "expected %(project_id)s"), ("user_id:50%", 11, "expected %(project_id)s"),
        ("role:a\u{0}", 7, "control characters"), ("role:a\u{A0}b", 7, "plain text"), ("@@", 1, "expected a check"),
        ("\"rule:a\"", 9, "a colon"),
    ])
    func `What is no check is refused with its column and what is expected there`(
        text: String, column: Int, words: String
    ) throws {
        let invalid = #expect(throws: CheckInvalid.self) { try PolicyCheck(text: text) }
        #expect(invalid?.column == column, "\(text)")
        #expect(invalid.map { "\($0)".contains(words) } == true, "\(text): \(String(describing: invalid))")
    }

    @Test func `Parentheses and checks have a bound`() throws {
        let deep = PolicyLimits.nestingMax
        func nested(_ count: Int) -> String {
            String(repeating: "(", count: count) + "rule:a" + String(repeating: ")", count: count)
        }
        #expect(try PolicyCheck(text: nested(deep)) == .rule("a"))
        #expect(throws: CheckInvalid.self) { try PolicyCheck(text: nested(deep + 1)) }
        #expect(throws: CheckInvalid.self) { try PolicyCheck(text: nested(100_000)) }
        let negated = String(repeating: "not ", count: deep + 1) + "rule:a"
        #expect(throws: CheckInvalid.self) { try PolicyCheck(text: negated) }
        func wide(_ count: Int) -> String { Array(repeating: "rule:a", count: count).joined(separator: " and ") }
        // The operator counts too.
        #expect(throws: Never.self) { try PolicyCheck(text: wide(PolicyLimits.nodesMax - 1)) }
        #expect(throws: CheckInvalid.self) { try PolicyCheck(text: wide(PolicyLimits.nodesMax)) }
    }
}
