import Runtime
import Testing

struct HeraldVersionTests {
    @Test func `A build that set RESOLVED_PACKAGES prints them in a line of their own`() {
        #expect(HeraldVersion.printed(packages: "") == HeraldVersion.full)
        #expect(
            HeraldVersion.printed(packages: "swift-log 1.16.2, yams 6.2.2")
                == "\(HeraldVersion.full)\nbuilt with swift-log 1.16.2, yams 6.2.2")
    }
}
