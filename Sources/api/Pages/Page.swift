import Cryptography
import HTTPServer
import Mail
import NIOCore

/// One page of HTML, without a script, a frame or anything loaded from elsewhere.
struct Page {
    typealias Sentence = TextCatalog.Sentence

    let status: HTTPStatus
    let title: Sentence
    let text: Sentence
    var values: [TextTemplate.Place: String] = [:]
    var button: Button?
    var link: Link?

    /// A form of one button.
    struct Button {
        let label: Sentence
        /// Where it is sent, from the page's own address.
        let target: String
        let answer: PageAnswer
    }

    struct Link {
        let label: Sentence
        let target: String
    }

    /// The parameter of a token in links.
    static let token = "token"
    /// The field of a form that says which button was pressed.
    static let answerField = "answer"

    func reply(_ texts: TextCatalog) -> Reply {
        // Only a style sheet that names it is applied: none that a value might bring in.
        let nonce = Base64.encodeForURL(SecureRandom.bytes(16))
        let html = texts.text(
            .page,
            [
                .language: texts.sentence(.language), .title: texts.sentence(self.title, self.values),
                .text: texts.sentence(self.text, self.values), .content: self.content(texts), .nonce: nonce,
            ])
        return Reply(
            status: self.status,
            headers: [
                .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
                .contentSecurityPolicy: "default-src 'none'; style-src 'nonce-\(nonce)'; form-action 'self'; "
                    + "base-uri 'none'; frame-ancestors 'none'",
                // The address of the page is a key: no other server gets it.
                .referrerPolicy: "no-referrer", .xContentTypeOptions: "nosniff", .frameOptions: "DENY",
                .robots: "noindex, nofollow",
            ],
            body: ByteBuffer(string: html))
    }

    private func content(_ texts: TextCatalog) -> String {
        var html = ""
        if let button = self.button {
            html += """
                <form method="post" action="\(HTMLText.escaped(button.target))">
                <input type="hidden" name="\(Self.answerField)" value="\(button.answer.rawValue)">
                <button type="submit">\(HTMLText.escaped(texts.sentence(button.label, self.values)))</button>
                </form>
                """
        }
        if let link = self.link {
            html += """
                <p class="second"><a href="\(HTMLText.escaped(link.target))">\
                \(HTMLText.escaped(texts.sentence(link.label, self.values)))</a></p>
                """
        }
        return html
    }
}

/// What a button of a page says.
enum PageAnswer: String, Sendable {
    case confirm
    case unsubscribe
}

extension HTTPFieldName {
    static let referrerPolicy = HTTPFieldName("Referrer-Policy")
    static let frameOptions = HTTPFieldName("X-Frame-Options")
    static let robots = HTTPFieldName("X-Robots-Tag")
}
