import Documents
import Domain
import Notifier
import Testing

/// What the statuses of HTTP mean for a delivery.
struct WebhookTargetTests {
    @Test(
        arguments: [
            (200, Outcome.accepted(code: 200)), (204, .accepted(code: 204)), (299, .accepted(code: 299)),
            (410, .gone(code: 410)),
        ]
            + [101, 301, 304, 400, 403, 404, 408, 411, 425, 429, 500, 599, 600].map {
                ($0, .deferred(code: $0, notBefore: .delay(seconds: 7)))
            })
    func `2xx is a success, 410 ends the delivery, and everything else is repeated`(status: Int, outcome: Outcome) {
        let target = webhookTarget("http://a/")
        #expect(target.outcome(status: status, notBefore: .delay(seconds: 7)) == outcome)
    }

    @Test func `Statuses that a subscription names end the delivery, by number or by class`() {
        let final = FinalStatuses(statuses: [404], classes: [2, 5])
        let target = webhookTarget("http://a/", options: DeliveryOptions(finalStatuses: final))
        for (status, isFinal) in [(404, true), (500, true), (599, true), (403, false), (499, false), (301, false)] {
            let outcome = target.outcome(status: status, notBefore: nil)
            #expect(outcome == (isFinal ? .refused(code: status) : .deferred(code: status, notBefore: nil)))
        }
        #expect(target.outcome(status: 204, notBefore: nil) == .accepted(code: 204))
        #expect(target.outcome(status: 410, notBefore: nil) == .gone(code: 410))
    }
}
