/// How a message is written; an answer has the format of its request.
package enum FrameFormat: Sendable, Hashable {
    /// JSON, in text frames.
    case text
    /// MessagePack, in binary frames.
    case binary
}
