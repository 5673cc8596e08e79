import JSON
import Mail
import Testing

struct MailTemplateTests {
    private static let document =
        #"{"body":{"disk":"a\nb","n":1.50,"list":[{"x":"first"},2],"o":{"k":"v"},"nothing":null,"é":"e"},"ttl":60,"queue_name":"q"}"#

    private func rendered(_ template: String, bytesMax: Int = 10_000) throws -> String {
        let object = try #require(try JSONObject(document: Array(Self.document.utf8)))
        return try MailTemplate(template).rendered(with: object, bytesMax: bytesMax)
    }

    @Test(arguments: [
        ("plain", "plain"), ("{{ body.disk }}!", "a\nb!"), ("{{body.n}}{{  ttl  }}", "1.5060"), ("{{queue_name}}", "q"),
        ("{{ body.list.0.x }} {{ body.list.1 }}", "first 2"), ("{{ body.o }}", #"{"k":"v"}"#),
        ("[{{ body.none }}{{ body.nothing }}{{ body.disk.x }}{{ body.list.9 }}{{ body.list.-1 }}{{ delay }}]", "[]"),
        ("{{ body.\u{e9} }}", "e"), ("} }} { }", "} }} { }"), ("{{ body.n }}{{ body.n }}", "1.501.50"),
    ])
    func `A place shows the value that its path leads to`(template: String, text: String) throws {
        #expect(try self.rendered(template) == text)
    }

    @Test(
        arguments: [
            ("{{ body", .unclosed), ("{{ }}", .path), ("{{}}", .path), ("{{ secret }}", .root), ("{{ .body }}", .path),
            ("{{ body..x }}", .path), ("{{ body x }}", .path), ("{{ {{ body }} }}", .path), ("{{ body.\n }}", .path),
            ("{{ body\(String(repeating: ".a", count: 16)) }}", .path),
            (String(repeating: "{{ body }}", count: 101), .tooManyPlaces),
            (String(repeating: "x", count: 65_537), .tooLong),
        ] as [(String, MailTemplateInvalid)])
    func `What is no template is refused when it is stored`(template: String, reason: MailTemplateInvalid) {
        #expect(throws: reason) { try MailTemplate(template) }
    }

    @Test func `A mail from a template is bounded`() throws {
        let text = try self.rendered(String(repeating: "{{ body.o }}", count: 100), bytesMax: 95)
        #expect(text.utf8.count <= 95)
    }
}
