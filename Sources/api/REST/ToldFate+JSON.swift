import Domain
import JSON
import NIOCore
import Store

extension ToldFate {
    /// One object of an explanation (docs/api.md, "Explanations").
    func write(to body: inout ByteBuffer) {
        body.writeStaticString(#"{"subscription_id":"#)
        body.writeJSON(self.fate.subscription.text)
        body.writeStaticString(#","delivery_id":"#)
        body.writeJSON(self.delivery.text)
        body.writeStaticString(#","eligible":"#)
        body.writeJSON(self.state != .notEligible)
        body.writeStaticString(#","state":"#)
        body.writeJSON(self.state.rawValue)
        body.writeStaticString(#","rule":"#)
        body.writeJSON(self.rule)
        body.writeStaticString(#","attempts":"#)
        body.writeJSON(self.attempts)
        body.writeStaticString(#","next_due":"#)
        body.writeJSON(self.nextDue.map { HTTPDate.iso8601($0) })
        body.writeStaticString(#","last_attempt":"#)
        if let last = self.fate.last {
            body.writeStaticString(#"{"time":"#)
            body.writeJSON(HTTPDate.iso8601(last.report.startedAt))
            body.writeStaticString(#","attempt":"#)
            body.writeJSON(last.attempt)
            body.writeStaticString(#","succeeded":"#)
            body.writeJSON(last.report.isSuccess)
            body.writeStaticString(#","status":"#)
            body.writeJSON(last.report.end.code)
            body.writeStaticString(#","error":"#)
            body.writeJSON(last.report.end.error)
            body.writeStaticString("}")
        } else {
            body.writeStaticString("null")
        }
        body.writeStaticString("}")
    }
}
