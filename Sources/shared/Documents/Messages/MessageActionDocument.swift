package import Domain
import JSON
package import NIOCore

/// What callers read about messages and claims over WebSocket.
package enum MessageActionDocument {
    /// `{"message_ids": ["…"]}`: the messages of a post, in its order.
    package static func posted(_ ids: [MessageID]) -> ByteBuffer {
        JSONWriter.object(capacity: 32 + ids.count * (MessageID.characters + 3)) { object in
            object.member("message_ids", ids.map(\.text))
        }
    }

    /// `{"messages": {…}}`: one message, under the name of several.
    package static func message(_ message: MessageView) -> ByteBuffer {
        JSONWriter.object(capacity: MessageDocument.capacity(of: [message])) { object in
            object.object("messages") { Self.write(message, to: &$0) }
        }
    }

    /// `{"messages": […]}`.
    package static func messages(_ messages: [MessageView]) -> ByteBuffer {
        JSONWriter.object(capacity: MessageDocument.capacity(of: messages)) { Self.write(messages, nil, to: &$0) }
    }

    /// `{"messages": […]}` of messages that left the queue with this answer.
    package static func popped(_ messages: [MessageView]) -> ByteBuffer { MessageDocument.popped(messages) }

    /// `{"claim_id": "…", "messages": […]}`, or `{"claim_id": null}` when there was nothing to claim.
    package static func claimed(_ claim: ClaimView?) -> ByteBuffer {
        guard let claim else { return JSONWriter.object { $0.null("claim_id") } }
        return JSONWriter.object(capacity: MessageDocument.capacity(of: claim.messages)) { object in
            object.member("claim_id", claim.id.text)
            Self.write(claim.messages, claim.id, to: &object)
        }
    }

    /// `{"age": 1, "ttl": 300, "messages": […]}`.
    package static func claim(_ claim: ClaimView) -> ByteBuffer {
        JSONWriter.object(capacity: MessageDocument.capacity(of: claim.messages)) { object in
            object.member("age", claim.age)
            object.member("ttl", claim.ttl)
            Self.write(claim.messages, claim.id, to: &object)
        }
    }

    private static func write(
        _ messages: [MessageView], _ claim: ClaimID?, to object: inout JSONObjectWriter
    ) {
        object.array("messages") { list in
            for message in messages { list.object { Self.write(message, claim, to: &$0) } }
        }
    }

    /// - Parameter claim: That they are shown under; a message alone does not show its own.
    private static func write(_ message: MessageView, _ claim: ClaimID? = nil, to object: inout JSONObjectWriter) {
        object.member("id", message.stored.id.text)
        object.member("claim_id", claim?.text)
        MessageDocument.writeLife(of: message, to: &object)
    }
}
