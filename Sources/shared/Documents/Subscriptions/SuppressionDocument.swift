package import Domain
import JSON
package import NIOCore

/// What callers read about suppressed addresses.
package enum SuppressionDocument {
    /// - Parameter next: The path and query of the next page; nil behind an empty page.
    package static func page(_ suppressions: [Suppression], next: String?) -> ByteBuffer {
        JSONWriter.object(capacity: 4096) { object in
            object.array("suppressions") { list in
                for suppression in suppressions { list.object { Self.write(suppression, to: &$0) } }
            }
            object.links(next: next)
        }
    }

    package static func suppression(_ suppression: Suppression) -> ByteBuffer {
        JSONWriter.object { Self.write(suppression, to: &$0) }
    }

    private static func write(_ suppression: Suppression, to object: inout JSONObjectWriter) {
        object.member("address", suppression.address)
        object.member("reason", suppression.reason.rawValue)
        object.member("since", suppression.since)
        object.member("detail", suppression.detail)
    }
}
