/// What no client may send: the connection ends with it (RFC 6455, 7.1.7).
package enum FrameFault: String, Error, Sendable {
    case reservedBits = "A reserved bit is set; no extension was agreed on."
    case unknownOpcode = "The opcode is reserved."
    case unmasked = "A frame of a client has to be masked."
    case controlFragmented = "A control frame may not be fragmented."
    case controlTooLong = "A control frame holds at most 125 bytes."
    case lengthTooLong = "A length has 63 bits."
    case lengthNotShortest = "A length has to be written in as few bytes as it takes."
    case continuationUnexpected = "There is no message to continue."
    case continuationMissing = "The message before has not ended."
    case closeMalformed = "A close frame has no such code."
    case notUTF8 = "A text has to be UTF-8."
    case messageTooLarge = "The message is too large."

    package var code: CloseCode {
        switch self {
        case .notUTF8: .notUTF8
        case .messageTooLarge: .tooLarge
        default: .protocolError
        }
    }

    /// In a close frame: at most 123 bytes.
    package var reason: String { self.rawValue }
}
