import Domain
import HTTPServer
import Mail
import Operations
import Signing

/// The pages where subscribers confirm and leave (docs/leaving.md): open to every holder of a link.
///
/// `GET` and `HEAD` show what a link leads to and change nothing, because programs open the links of mails to see whether they
/// are harmful. Only the `POST` of a button acts, or that of a mail program on its user's behalf (RFC 8058).
struct PageHandlers: Sendable {
    let operations: Operations
    let rules: PageRules

    /// `GET /confirm` and `GET /unsubscribe`.
    func show(_ answer: PageAnswer, _ request: ReceivedRequest) async throws -> Reply {
        try await self.answered(request) { link, fields async throws in
            let answer = Self.isWithdrawal(fields) ? PageAnswer.unsubscribe : answer
            let found = try await self.operations.showLink(link, for: answer.purpose, now: request.now)
            return Page(
                status: .ok, title: answer == .confirm ? .confirmTitle : .leaveTitle,
                text: answer == .confirm ? .confirmText : .leaveText, values: Self.values(of: found),
                // To the address the page itself has: its query names the link.
                button: Page.Button(
                    label: answer == .confirm ? .confirmButton : .leaveButton, target: "?\(request.head.query)",
                    answer: answer))
        }
    }

    /// `POST /confirm` and `POST /unsubscribe`.
    func act(_ answer: PageAnswer, _ request: ReceivedRequest) async throws -> Reply {
        try await self.answered(request) { link, fields async throws in
            let form = try FormFields(request.body, contentType: request.head.contentType)
            let answer = Self.isWithdrawal(fields) ? PageAnswer.unsubscribe : answer
            let isOneClick = answer == .unsubscribe && form["List-Unsubscribe"] == "One-Click"
            guard isOneClick || form[Page.answerField] == answer.rawValue else { throw FormInvalid() }
            switch answer {
            case .confirm: return try await self.confirm(link, request)
            case .unsubscribe: return try await self.leave(link, request)
            }
        }
    }

    private func confirm(_ link: LinkRequest, _ request: ReceivedRequest) async throws -> Page {
        let (found, token) = try await self.operations.confirmLink(link, now: request.now)
        request.notes?.opened(found.id, of: found.queue)
        var page = Page(status: .ok, title: .confirmedTitle, text: .confirmedText, values: Self.values(of: found))
        page.link = token.map { Page.Link(label: .leaveButton, target: "unsubscribe?\(Page.token)=\($0)") }
        return page
    }

    private func leave(_ link: LinkRequest, _ request: ReceivedRequest) async throws -> Page {
        do {
            let (found, token) = try await self.operations.leaveLink(link, now: request.now)
            request.notes?.opened(found.id, of: found.queue)
            var page = Page(status: .ok, title: .leftTitle, text: .leftText, values: Self.values(of: found))
            page.button = token.map {
                Page.Button(label: .returnButton, target: "confirm?\(Page.token)=\($0)", answer: .confirm)
            }
            return page
        } catch LinkRefused.ended {
            // There is nothing left to leave, which is what was asked for.
            return Page(status: .ok, title: .endedTitle, text: .endedText)
        }
    }

    /// Answers with a page whatever becomes of the request, trouble of the store excepted.
    private func answered(
        _ request: ReceivedRequest, _ body: (LinkRequest, FormFields) async throws -> Page
    ) async throws -> Reply {
        do {
            let fields = try FormFields(query: request.head.query)
            return try await body(try Self.link(fields), fields).reply(self.rules.texts)
        } catch let refused as LinkRefused {
            return Page(refused).reply(self.rules.texts)
        } catch is FormInvalid {
            return self.incomplete
        }
    }

    /// For a request that none of the pages sends.
    var incomplete: Reply {
        Page(status: .badRequest, title: .incompleteTitle, text: .incompleteText).reply(self.rules.texts)
    }

    /// For a request that could not be carried out.
    func failure(_ status: HTTPStatus) -> Reply {
        Page(status: status, title: .laterTitle, text: .laterText).reply(self.rules.texts)
    }

    // MARK: - Links

    /// A link of ours has a token; one to an external page has the names of the contract, of which `Url` and `Queue` are for
    /// people.
    private static func link(_ fields: FormFields) throws(FormInvalid) -> LinkRequest {
        if let token = fields[Page.token] { return .token(token) }
        guard let signature = fields["Signature"], let methods = fields["Methods"], let path = fields["Paths"],
            let project = fields["Project"], let expires = fields["Expires"]
        else { throw FormInvalid() }
        return .signed(
            LinkRequest.SignedLink(
                signature: signature, methods: methods, path: path, project: project, expires: expires))
    }

    /// Whether a link of the contract is used to leave (notifications contract, 5.4).
    private static func isWithdrawal(_ fields: FormFields) -> Bool {
        fields[Page.token] == nil && fields["Confirm"]?.lowercased() == "false"
    }

    private static func values(of found: LinkedSubscription) -> [TextTemplate.Place: String] {
        [
            .queue: found.queue.name.text, .project: found.queue.project.text,
            .address: (try? MailtoURI(found.subscriber))?.address.description ?? found.subscriber,
        ]
    }
}

extension PageAnswer {
    fileprivate var purpose: LinkToken.Purpose {
        switch self {
        case .confirm: .confirm
        case .unsubscribe: .unsubscribe
        }
    }
}

extension Page {
    fileprivate init(_ refused: LinkRefused) {
        switch refused {
        case .wrong: self.init(status: .notFound, title: .wrongTitle, text: .wrongText)
        case .expired: self.init(status: .notFound, title: .expiredTitle, text: .expiredText)
        case .outdated: self.init(status: .notFound, title: .outdatedTitle, text: .outdatedText)
        case .ended: self.init(status: .notFound, title: .endedTitle, text: .endedText)
        }
    }
}
