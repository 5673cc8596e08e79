import Domain
import JSON

extension JSONObject {
    /// Reads the body of a request, which has to be an object.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    init(body bytes: [UInt8]) throws(Refusal) {
        let object: JSONObject?
        do {
            object = try JSONObject(document: bytes)
        } catch {
            throw .unparsable(error)
        }
        guard let object else { throw .bodyInvalid("The body has to be a JSON object.") }
        self = object
    }

    /// Reads the body of a request that may do without one.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    init(bodyIfAny bytes: [UInt8]) throws(Refusal) {
        if bytes.isEmpty { self.init() } else { try self.init(body: bytes) }
    }
}
