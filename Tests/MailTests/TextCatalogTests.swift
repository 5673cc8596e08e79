import Mail
import Testing

/// The texts of mails and pages, built in or of a folder.
struct TextCatalogTests {
    private static let values: [TextTemplate.Place: String] = [
        .queue: "alerts", .project: "a<b", .link: "https://h/confirm?a=1&b=2", .address: "jo@example.com",
    ]

    @Test(arguments: [
        ("{{ queue }} of {{project}}: {{  link }}", "alerts of a<b: https://h/confirm?a=1&b=2"),
        ("{2} {1} {0} {0}", "https://h/confirm?a=1&b=2 a<b alerts alerts"),
        ("p { color: red } { {x} {}", "p { color: red } { {x} {}"), ("", ""), ("{", "{"),
    ])
    func `Places are filled in, and other braces are text`(template: String, text: String) throws {
        #expect(try TextTemplate(template, places: [.queue, .project, .link]).rendered(Self.values) == text)
    }

    @Test func `Values are escaped in HTML, whatever they are`() throws {
        let template = try TextTemplate("<b>{{ project }}</b>{1}", places: [.project])
        let text = template.rendered([.project: #"</b><script>"'&"#], as: .html)
        #expect(
            text == "<b>&lt;/b&gt;&lt;script&gt;&quot;&#39;&amp;</b>&lt;/b&gt;&lt;script&gt;&quot;&#39;&amp;")
        // A value is no template: its places stay as they are.
        #expect(template.rendered([.project: "{{ project }}"]) == "<b>{{ project }}</b>{{ project }}")
    }

    @Test(arguments: [
        ("{{ queue", TextTemplateInvalid.unclosed), ("{{ nothing }}", .unknownPlace("nothing")),
        ("{{ content }}", .unknownPlace("content")), ("{3}", .unknownPlace("3")), ("{{ }}", .unknownPlace("")),
        ("{99999999999999999999}", .unknownPlace("99999999999999999999")),
        (String(repeating: "x", count: 65_537), .tooLong), (String(repeating: "{0}", count: 101), .tooManyPlaces),
    ])
    func `A text with an unknown place is refused`(text: String, error: TextTemplateInvalid) {
        #expect(throws: error) { try TextTemplate(text, places: [.queue, .project, .link]) }
    }

    @Test func `The link comes last in the built-in mails, behind what relays look for`() {
        for file in [TextCatalog.File.confirmationText, .returnText] {
            let text = TextCatalog.builtIn.text(file, Self.values)
            for value in [TextTemplate.Place.queue, .project, .link] {
                #expect(text.contains(Self.values[value] ?? "?"), "\(file.rawValue)")
            }
            #expect(text.hasSuffix("below: https://h/confirm?a=1&b=2\n"))
        }
        let html = TextCatalog.builtIn.text(.confirmationHTML, Self.values)
        #expect(html.contains("href=\"https://h/confirm?a=1&amp;b=2\"") && html.contains("a&lt;b"))
    }

    @Test func `A folder replaces what it holds, file by file and sentence by sentence`() throws {
        let texts = try TextCatalog(files: [
            "confirmation.subject.txt": "Bitte bestätigen: {0}",
            "pages.txt":
                "# deutsch\nlanguage: de\n\n  confirm.title:Anmeldung zu {{ queue }} bestätigen\nconfirm.button: \n",
        ])
        #expect(texts.text(.confirmationSubject, Self.values) == "Bitte bestätigen: alerts")
        #expect(texts.text(.confirmationText, Self.values) == TextCatalog.builtIn.text(.confirmationText, Self.values))
        #expect(texts.sentence(.language) == "de")
        #expect(texts.sentence(.confirmTitle, Self.values) == "Anmeldung zu alerts bestätigen")
        #expect(texts.sentence(.confirmButton).isEmpty)
        #expect(texts.sentence(.leaveButton) == "Unsubscribe")
    }

    @Test(arguments: [
        ("confirmation.html.bak", "", "confirmation.html.bak"), ("pages.txt", "confirm.titel: x", "confirm.titel"),
        ("pages.txt", "no name", "no name"), ("pages.txt", "left.text: {{ link }}", "left.text"),
        ("page.html", "{{ queue }}", "page.html"), ("footer.txt", "{{ x }}", "footer.txt"),
    ])
    func `What a folder may not hold is named`(file: String, text: String, named: String) {
        #expect {
            try TextCatalog(files: [file: text])
        } throws: { error in
            (error as? TextCatalogInvalid)?.reason.contains(named) == true
        }
    }

    @Test func `Every sentence has a built-in text`() {
        for sentence in TextCatalog.Sentence.allCases {
            #expect(!TextCatalog.builtIn.sentence(sentence, Self.values).isEmpty, "\(sentence.rawValue)")
        }
    }
}
