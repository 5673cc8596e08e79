import Domain
import HTTPServer
import JSON

/// An error as clients of the messaging API know it: titles are part of the wire format, descriptions are for people.
struct Problem: Sendable, Equatable {
    let status: HTTPStatus
    let title: String
    let description: String?

    init(_ status: HTTPStatus, _ title: String, _ description: String? = nil) {
        self.status = status
        self.title = title
        self.description = description
    }

    static let unknownPath = Problem(.notFound, "404 Not Found")
    static let methodNotAllowed = Problem(.methodNotAllowed, "405 Method Not Allowed")
    static let notAcceptable = Problem(
        .notAcceptable, "406 Not Acceptable", "This service answers with application/json only.")
    static let formBody = Problem(
        .badRequest, "Invalid Content-Type",
        "Endpoint does not accept application/x-www-form-urlencoded content. Send the header Content-Type: application/json "
            + "(curl: --json instead of -d).")
    static let internalError = Problem(
        .internalServerError, "Internal server error", "The request could not be carried out.")

    static func unsupportedPatch(_ type: String) -> Problem {
        Problem(
            .unsupportedMediaType, "415 Unsupported Media Type", "The Content-Type of this request has to be \(type).")
    }

    static func unrecognized(_ names: some Sequence<String>) -> Problem {
        let quoted = names.map { "'\($0.shortened)'" }.joined(separator: ", ")
        return Problem(.badRequest, "Invalid API request", "These names mean nothing: \(quoted).")
    }

    /// No invitation to try again: it takes an operator, or the deletion of the message, to help.
    static func unreadable(_ message: MessageID) -> Problem {
        Problem(
            .serviceUnavailable, "Service temporarily unavailable",
            "The body of message \(message) cannot be decrypted with the keys of this service.")
    }

    static let identityServiceUnavailable = Problem(
        .serviceUnavailable, "Service temporarily unavailable",
        "The identity service does not answer. Please try again in a few seconds.")

    static func bodyTooLarge(bytesMax: Int) -> Problem {
        Problem(Refusal.bodyInvalid("The body may have at most \(bytesMax) bytes."))
    }

    var reply: Reply {
        .json(
            self.status,
            JSONWriter.object { object in
                object.member("title", self.title)
                if let description = self.description { object.member("description", description) }
            })
    }
}

extension Problem {
    init(_ refusal: Refusal) {
        switch refusal {
        case .clientMissing: self.init(.badRequest, "Missing header value", "The header Client-ID is missing.")
        case .clientMalformed: self.init(.badRequest, "Wrong UUID value", "The header Client-ID has to be a UUID.")
        case .projectMissing:
            self.init(.badRequest, "Project-Id Missing", "The header X-Project-Id was missing.")
        case .projectEmpty:
            self.init(.badRequest, "Empty project header not allowed", "The header X-Project-Id may not be empty.")
        case .projectTooLong:
            self.init(
                .badRequest, "Invalid queue identification",
                "The project id may have at most \(ProjectID.charactersMax) characters.")
        case .projectMalformed:
            self.init(
                .badRequest, "Invalid queue identification",
                "The header X-Project-Id has to be UTF-8 and may not hold U+FFFD.")
        case .queueNameInvalid:
            self.init(
                .badRequest, "Invalid queue identification",
                "A queue name has \(QueueName.allowed).")
        case .topicNameInvalid:
            self.init(
                .badRequest, "Invalid topic identification",
                "A topic name has \(QueueName.allowed).")
        case .parameterMalformed(let name, let expected):
            self.init(.badRequest, "Invalid parameter", "The parameter \(name) has to be \(expected).")
        case .requestInvalid(let description): self.init(.badRequest, "Invalid API request", description)
        case .bodyInvalid(let description): self.init(.badRequest, "Invalid request body", description)
        case .notAuthorized:
            self.init(.forbidden, "Not authorized", "The caller has none of the roles this needs.")
        case .limitReached(let limit, let max):
            self.init(.forbidden, "Limit reached", limit.description(of: max))
        case .claimNotFound: self.init(.notFound, "Not found", "There is no such claim, or it has ended.")
        case .messageClaimed:
            self.init(.forbidden, "Unable to delete", "The message is under a claim that the request does not name.")
        case .messageNotClaimed(let description): self.init(.badRequest, "Unable to delete", description)
        case .messageNotFound: self.init(.notFound, "Not found", "There is no such message.")
        case .deadLetterNotFound: self.init(.notFound, "Not found", "There is no such dead letter.")
        case .subscriptionNotFound: self.init(.notFound, "Not found", "There is no such subscription.")
        case .suppressionNotFound: self.init(.notFound, "Not found", "The address is not suppressed.")
        case .subscriberSchemeUnsupported(let supported):
            self.init(
                .badRequest, "Invalid API request",
                "The subscriber type of subscription must be supported in the list \(supported.joined(separator: ", "))."
            )
        case .trustRefused(let description): self.init(.forbidden, "Not authorized", description)
        case .poolNotFound: self.init(.notFound, "Not found", "There is no such pool.")
        case .flavorNotFound: self.init(.notFound, "Not found", "There is no such flavor.")
        case .poolConflict(let description): self.init(.conflict, "Resource conflict", description)
        case .poolsDiffer(let description): self.init(.badRequest, "Unable to create pool", description)
        case .deletionRefused(let description): self.init(.forbidden, "Unable to delete", description)
        case .flavorPoolMissing(let flavor, let pool):
            // Clients compare it word for word.
            self.init(
                .badRequest, "Unable to create",
                "Flavor \(flavor) could not be created, error:Pool \(pool) does not exist")
        case .flavorUpdateRefused(let description): self.init(.badRequest, "updatefail", description)
        case .queueNotFound: self.init(.notFound, "Not found", "There is no such queue.")
        case .topicNotFound: self.init(.notFound, "Not found", "There is no such topic.")
        case .postKeyTaken:
            self.init(
                .unprocessable, "Another request",
                "Another request to this queue had this Idempotency-Key: give each post a key of its own.")
        case .metadataConflict(let description): self.init(.conflict, "Resource conflict", description)
        case .subscriptionUnconfirmed:
            self.init(.conflict, "Resource conflict", "The subscriber has not confirmed, so nothing is sent to it.")
        case .subscriptionExists(let id):
            self.init(
                .conflict, "Resource conflict",
                "This subscriber is subscribed and confirmed already, by the subscription \(id).")
        case .subscriberTaken:
            self.init(.conflict, "Resource conflict", "Another subscription of this queue has this subscriber.")
        case .subscriptionUnchanged:
            self.init(
                .badRequest, "Unable to update subscription",
                "The body has to name a subscriber, a ttl or options, and not as null.")
        case .confirmationMissing:
            self.init(
                .badRequest, "Unable to confirm subscription", "The body has to be an object that says 'confirmed'.")
        }
    }
}
