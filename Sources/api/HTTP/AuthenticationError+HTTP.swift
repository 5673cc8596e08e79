import HTTPServer
import JSON

extension Reply {
    /// Nothing says who sends the request, or what says so does not hold: the body that clients of identity services know.
    ///
    /// - Parameter challenge: How callers prove who they are.
    static func unauthenticated(_ challenge: String) -> Reply {
        let document = JSONWriter.object { object in
            object.object("error") { error in
                error.member("code", HTTPStatus.unauthorized.code)
                error.member("title", "Unauthorized")
                error.member("message", "The request you have made requires authentication.")
            }
        }
        return Reply(
            status: .unauthorized,
            headers: [.contentType: "application/json; charset=UTF-8", .authenticate: challenge], body: document)
    }

    /// The identity service cannot be asked now.
    static func unavailable(retryAfter seconds: Int = 5) -> Reply {
        Problem.identityServiceUnavailable.reply.with(.retryAfter, String(seconds))
    }
}

extension HTTPFieldName {
    static let authenticate = HTTPFieldName("WWW-Authenticate")
}
