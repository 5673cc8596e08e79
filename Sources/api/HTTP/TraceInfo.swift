import Cryptography
import Domain
import JSON

/// The header `X-Trace-Info` of OpenStack's profiler, read as a trace of the W3C.
///
/// It is base64 of a JSON object, with UUIDs: `base_id` names the trace, the last half of `parent_id` the span. The signature that comes with
/// it, `X-Trace-HMAC`, is not asked for: a trace gives no right, and `traceparent` has none.
enum TraceInfo {
    /// Of the header; a profiler sends some 160.
    private static let bytesMax = 1024
    /// Of UUIDs.
    private static let dash = UInt8(ascii: "-")
    private static let sampled: UInt8 = 1

    static func trace(_ header: String) -> TraceContext? {
        guard header.utf8.count <= Self.bytesMax, let document = Base64.decode(header),
            let object = try? JSONObject(document: document), let trace = Self.uuid("base_id", in: object),
            let span = Self.uuid("parent_id", in: object)
        else { return nil }
        return TraceContext(bytes: trace + span.suffix(8) + [Self.sampled])
    }

    private static func uuid(_ name: String, in object: JSONObject) -> [UInt8]? {
        guard let text = object[name].flatMap({ object.text($0) }) else { return nil }
        let bytes = Hexadecimal.decode(String(decoding: text.utf8.filter { $0 != Self.dash }, as: UTF8.self))
        return bytes?.count == 16 ? bytes : nil
    }
}
