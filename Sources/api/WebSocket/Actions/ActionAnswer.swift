import Domain
import HTTPServer
import JSON
import NIOCore

/// What an action answers: a status, and a body that is an object or a text.
struct ActionAnswer: Sendable {
    enum Body: Sendable {
        case text(String)
        /// A JSON object.
        case document(ByteBuffer)
    }

    let status: Int
    let body: Body
    /// How far the messages of a post got; nil: it was no post.
    let durability: Durability?
    /// Whether it is the answer of a post before.
    let isRepeated: Bool
    /// What names of the request meant nothing; nil: none of it.
    var unrecognized: String?

    init(
        _ status: HTTPStatus, _ document: ByteBuffer, durability: Durability? = nil, isRepeated: Bool = false
    ) {
        self.status = status.code
        self.body = .document(document)
        self.durability = durability
        self.isRepeated = isRepeated
    }

    init(_ status: HTTPStatus, _ text: String) {
        self.status = status.code
        self.body = .text(text)
        self.durability = nil
        self.isRepeated = false
    }

    /// Bytes of the body.
    var bytes: Int {
        switch self.body {
        case .text(let text): text.utf8.count
        case .document(let document): document.readableBytes
        }
    }

    static let noContent = ActionAnswer(.noContent, JSONWriter.object { _ in })

    /// A request that reached no action.
    static func refused(_ status: HTTPStatus, _ text: String) -> ActionAnswer {
        ActionAnswer(status, JSONWriter.object { $0.member("error", text) })
    }

    /// An action that failed.
    ///
    /// - Parameters:
    ///   - exception: What is wrong, for people.
    ///   - error: What was not done; nil when the request itself is at fault.
    static func failed(_ status: HTTPStatus, exception: String, error: String?) -> ActionAnswer {
        ActionAnswer(
            status,
            JSONWriter.object { object in
                object.member("exception", exception)
                object.member("error", error)
            })
    }
}
