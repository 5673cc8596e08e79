package import Domain
import JSON

/// The body that has a test sent: `{"body": {"event": "trial"}}`, or nothing.
package struct TestBody: Sendable, Equatable {
    /// What is sent as `body`: the JSON value as it was written.
    package let body: [UInt8]

    private static let bodyDefault = Array(#"{"test":true}"#.utf8)

    /// - Throws: ``Refusal/bodyInvalid(_:)`` or ``Refusal/requestInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        let object = try JSONObject(bodyIfAny: bytes)
        for member in object.members where member.name != "body" {
            throw .requestInvalid("The body may hold body only, and holds \(member.name).")
        }
        self.body = object.value(of: "body").map { Array(object.verbatim($0)) } ?? Self.bodyDefault
    }
}
