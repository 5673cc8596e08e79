import Domain
import HTTPClient

extension Subscriber {
    /// Refuses an address that could never be sent to, in the words of what is wrong with it.
    ///
    /// Whether a name resolves and may be called is decided when a delivery connects (contract S-26).
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    func checkAddress() throws(Refusal) {
        switch self.scheme {
        case .http, .https:
            do throws(HTTPURLInvalid) {
                _ = try HTTPURL(self.uri)
            } catch {
                throw .requestInvalid("The subscriber is not a URL that can be called: \(error.reason).")
            }
        case .mailto:
            guard !HTTPURL.holdsBlank(self.uri) else {
                throw .requestInvalid("The subscriber is not an address: \(HTTPURLInvalid.blank.reason).")
            }
        }
    }
}
