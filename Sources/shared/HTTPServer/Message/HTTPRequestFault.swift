/// Why a request is refused before it has reached its responder, or in the middle of its body; the connection ends with it.
///
/// RFC 9112 makes most of them a must: two recipients that read such bytes differently can be played against each other
/// (11.2, "Request Smuggling").
package enum HTTPRequestFault: Error, Sendable, Hashable, CaseIterable {
    case requestLine
    case target
    case targetTooLong
    case version
    case connect
    case lineEnding
    case fieldName
    case fieldValue
    case fieldFolded
    case fieldsTooMany
    case headTooLarge
    case host
    case contentLength
    case transferEncoding
    case lengthAmbiguous
    case chunk
    case chunkExtensionsTooLong
    case trailer
    /// The connection's sending side ended in the middle of a request.
    case incomplete
    /// The head or the body arrived more slowly than ``HTTPLimits`` admits.
    case tooSlow
    /// The process, or the caller's address, has as many bytes of bodies and answers in flight as ``HTTPLimits`` admits.
    case overloaded
    /// The header of the PROXY protocol is malformed.
    case proxyHeader

    /// What is wrong, for the caller.
    package var description: String {
        switch self {
        case .requestLine: "The request line has to be a method, a target and a version with one blank between them."
        case .target: "The request target has to be a path, or an http URL, without blanks and control characters."
        case .targetTooLong: "The request target is too long."
        case .version: "The version has to be HTTP/1.1 or HTTP/1.0."
        case .connect: "The method CONNECT is not supported."
        case .lineEnding: "A line of the request has to end with CR LF, and CR and LF may stand nowhere else."
        case .fieldName: "A header name has to be a token with a colon directly behind it."
        case .fieldValue: "A header value may not hold control characters."
        case .fieldFolded: "A header may not continue on a second line."
        case .fieldsTooMany: "The request has too many headers."
        case .headTooLarge: "The headers of the request are too large."
        case .host: "The request has to have one header Host, with a host and nothing else."
        case .contentLength: "The header Content-Length has to be one number."
        case .transferEncoding: "The header Transfer-Encoding has to be chunked."
        case .lengthAmbiguous: "The request may not have both Content-Length and Transfer-Encoding."
        case .chunk:
            "A chunk of the body has to be its size in hexadecimal digits and as many bytes, each followed by CR LF."
        case .chunkExtensionsTooLong: "The extensions of the chunks are too long."
        case .trailer: "The fields behind the body are malformed or too large."
        case .incomplete: "The request ended before it was complete."
        case .tooSlow: "The request did not arrive in time."
        case .overloaded: "Too many bytes of requests and answers are in flight. Please try again in a few seconds."
        case .proxyHeader: "The header of the PROXY protocol is malformed."
        }
    }
}
