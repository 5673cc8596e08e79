import Documents
import Domain
import Testing

/// `traceparent`, by the rules of W3C Trace Context.
struct TraceContextTests {
    private static let usual = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func `What is well formed is passed on as it came`() throws {
        #expect(try #require(TraceContext(traceparent: Self.usual)).traceparent == Self.usual)
        let bytes = try #require(TraceContext(traceparent: Self.usual)).bytes
        #expect(bytes.count == TraceContext.byteCount && TraceContext(bytes: bytes)?.traceparent == Self.usual)
    }

    @Test func `A later version is read as far as it is known`() {
        for later in ["cc" + Self.usual.dropFirst(2), "cc" + Self.usual.dropFirst(2) + "-what-the-future-will-be-like"]
        {
            #expect(TraceContext(traceparent: later)?.traceparent == Self.usual)
        }
    }

    @Test(arguments: [
        "", "-", "00", "---", Self.usual + "-more", Self.usual + "-", "ff" + Self.usual.dropFirst(2),
        Self.usual.uppercased(),
        String(Self.usual.dropLast()), Self.usual + "0", " " + Self.usual, Self.usual.replacing("-01", with: "-0g"),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ])
    func `Anything else is none`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func `Hops are counted on to a bound, beside the trace`() {
        let trace = TraceContext(traceparent: Self.usual)
        #expect(Provenance(hops: 1, trace: trace).next == Provenance(hops: 2, trace: trace))
        #expect(Provenance(hops: Provenance.hopsMax).next == Provenance(hops: Provenance.hopsMax))
        #expect(Provenance.none == Provenance(hops: 0))
    }
}
