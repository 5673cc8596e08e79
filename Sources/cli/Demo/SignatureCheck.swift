package import Signing

/// What a subscriber does before it believes a webhook (Standard Webhooks, "Verifying webhook authenticity").
package enum SignatureCheck {
    package enum Verdict: Sendable, Equatable {
        case genuine
        case headersMissing
        case timestampOff(seconds: Int64)
        case signatureWrong

        package var words: String {
            switch self {
            case .genuine: "it is genuine"
            case .headersMissing: "webhook-id, webhook-timestamp or webhook-signature is missing or malformed"
            case .timestampOff(let seconds): "its timestamp is \(seconds) s away from this machine's clock"
            case .signatureWrong: "its signature is not the one its secret makes"
            }
        }
    }

    /// - Parameter now: Seconds since the epoch.
    package static func verdict(
        on arrival: Arrival, secret: WebhookSecret, now: Int64, toleranceSeconds: Int64
    ) -> Verdict {
        guard let id = self.value("webhook-id", in: arrival), let text = self.value("webhook-timestamp", in: arrival),
            let timestamp = Int64(text), let signatures = self.value("webhook-signature", in: arrival)
        else { return .headersMissing }
        let distance = now.subtractingReportingOverflow(timestamp)
        guard !distance.overflow, distance.partialValue.magnitude <= UInt64(toleranceSeconds) else {
            return .timestampOff(seconds: distance.partialValue)
        }
        // Several while a secret is rotated: one of them has to fit.
        let expected = secret.signature(id: id, timestamp: timestamp, body: arrival.body)
        return signatures.split(separator: " ").contains { $0 == expected } ? .genuine : .signatureWrong
    }

    private static func value(_ name: String, in arrival: Arrival) -> String? {
        arrival.headers.first { $0.name == name }?.value
    }
}
