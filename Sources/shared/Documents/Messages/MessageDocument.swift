package import Domain
import JSON
package import NIOCore

/// What callers read about messages and claims.
package enum MessageDocument {
    /// `{"resources": ["/v2/queues/q/messages/…"]}`: the messages of a post, in its order.
    package static func posted(_ ids: [MessageID], to queue: QueueAddress) -> ByteBuffer {
        let path = queue.path + "/messages/"
        let itemBytes = path.utf8.count + MessageID.characters + 3
        return JSONWriter.object(capacity: 16 + ids.count * itemBytes) { object in
            object.array("resources") { list in
                for id in ids {
                    list.text { text in
                        text.append(path)
                        text.append(id.text)
                    }
                }
            }
        }
    }

    /// One message.
    package static func message(_ message: MessageView, of queue: QueueAddress) -> ByteBuffer {
        JSONWriter.object(capacity: Self.capacity(of: [message])) { Self.write(message, under: queue.path, to: &$0) }
    }

    /// One message, with its number of the queue where it has one.
    package static func followed(_ message: MessageView, sequence: Int64?, of queue: QueueAddress) -> ByteBuffer {
        JSONWriter.object(capacity: Self.capacity(of: [message])) { object in
            Self.write(message, under: queue.path, to: &object)
            if let sequence { object.member("sequence", Int(sequence)) }
        }
    }

    /// `{"messages": […]}`, without links: messages that were asked for by their ids.
    package static func messages(_ messages: [MessageView], of queue: QueueAddress) -> ByteBuffer {
        JSONWriter.object(capacity: Self.capacity(of: messages)) { Self.write(messages, of: queue, to: &$0) }
    }

    /// `{"messages": […], "links": […]}`.
    ///
    /// - Parameter next: The path and query of the next page; nil behind an empty page.
    package static func page(_ messages: [MessageView], of queue: QueueAddress, next: String?) -> ByteBuffer {
        JSONWriter.object(capacity: Self.capacity(of: messages)) { object in
            Self.write(messages, of: queue, to: &object)
            object.links(next: next)
        }
    }

    /// `{"messages": […]}` of messages that left the queue with this answer, so none has an `href`.
    package static func popped(_ messages: [MessageView]) -> ByteBuffer {
        JSONWriter.object(capacity: Self.capacity(of: messages)) { object in
            object.array("messages") { list in
                for message in messages {
                    list.object { item in
                        item.member("id", message.stored.id.text)
                        Self.writeLife(of: message, to: &item)
                        // A popped message is under no claim: its receiver has it for good.
                        item.null("claim_id")
                        item.member("claim_count", message.stored.claimCount)
                    }
                }
            }
        }
    }

    /// `{"messages": […]}` of a claim that was just made.
    package static func claimed(_ claim: ClaimView, on queue: QueueAddress) -> ByteBuffer {
        Self.messages(claim.messages, of: queue)
    }

    /// `{"messages": […], "age": 1, "ttl": 300, "href": "/v2/queues/q/claims/…"}`.
    package static func claim(_ claim: ClaimView, on queue: QueueAddress) -> ByteBuffer {
        JSONWriter.object(capacity: Self.capacity(of: claim.messages)) { object in
            Self.write(claim.messages, of: queue, to: &object)
            object.member("age", claim.age)
            object.member("ttl", claim.ttl)
            object.member("href", Self.path(of: claim.id, on: queue))
        }
    }

    /// Where a claim is found.
    package static func path(of claim: ClaimID, on queue: QueueAddress) -> String {
        "\(queue.path)/claims/\(claim.text)"
    }

    static func capacity(of messages: [MessageView]) -> Int {
        messages.reduce(128) { $0 + $1.body.count + 256 }
    }

    private static func write(
        _ messages: [MessageView], of queue: QueueAddress, to object: inout JSONObjectWriter
    ) {
        let path = queue.path
        object.array("messages") { list in
            for message in messages {
                list.object { Self.write(message, under: path, to: &$0) }
            }
        }
    }

    /// These members, the checksum where there is one, and no other: a client passes the object on as arguments and fails
    /// on unknown names.
    ///
    /// Another takes what stands behind the last equals sign of the href for the claim: it is the only parameter there,
    /// and only while the claim is active.
    ///
    /// - Parameter path: Of its queue.
    private static func write(_ message: MessageView, under path: String, to object: inout JSONObjectWriter) {
        object.member("id", message.stored.id.text)
        object.text("href") { href in
            href.append(path)
            href.append("/messages/")
            href.append(message.stored.id.text)
            if let claim = message.stored.claim {
                href.append("?claim_id=")
                href.append(claim.text)
            }
        }
        Self.writeLife(of: message, to: &object)
    }

    /// What every form of a message has behind its id.
    static func writeLife(of message: MessageView, to object: inout JSONObjectWriter) {
        object.member("ttl", message.stored.ttl)
        object.member("age", message.stored.age)
        object.member("body", verbatim: message.body)
        if let checksum = message.checksum { object.member("checksum", checksum) }
    }
}
