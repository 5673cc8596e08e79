/// The status of an answer (RFC 9110, 15).
package struct HTTPStatus: Sendable, Hashable {
    package let code: Int
    /// The first line of the answer.
    let line: String

    package init(_ code: Int, _ reason: String) {
        precondition((100...999).contains(code), "\(code) is no status")
        self.code = code
        self.line = "HTTP/1.1 \(code) \(reason)\r\n"
    }

    /// Whether an answer with it has neither a body nor a length (RFC 9110, 8.6).
    var isWithoutBody: Bool { self.code < 200 || self.code == 204 || self.code == 304 }

    package static let switchingProtocols = HTTPStatus(101, "Switching Protocols")
    package static let ok = HTTPStatus(200, "OK")
    package static let created = HTTPStatus(201, "Created")
    package static let accepted = HTTPStatus(202, "Accepted")
    package static let noContent = HTTPStatus(204, "No Content")
    package static let multipleChoices = HTTPStatus(300, "Multiple Choices")
    package static let badRequest = HTTPStatus(400, "Bad Request")
    package static let unauthorized = HTTPStatus(401, "Unauthorized")
    package static let forbidden = HTTPStatus(403, "Forbidden")
    package static let notFound = HTTPStatus(404, "Not Found")
    package static let methodNotAllowed = HTTPStatus(405, "Method Not Allowed")
    package static let notAcceptable = HTTPStatus(406, "Not Acceptable")
    package static let conflict = HTTPStatus(409, "Conflict")
    package static let unsupportedMediaType = HTTPStatus(415, "Unsupported Media Type")
    package static let unprocessable = HTTPStatus(422, "Unprocessable Content")
    package static let upgradeRequired = HTTPStatus(426, "Upgrade Required")
    package static let internalServerError = HTTPStatus(500, "Internal Server Error")
    package static let serviceUnavailable = HTTPStatus(503, "Service Unavailable")
}
