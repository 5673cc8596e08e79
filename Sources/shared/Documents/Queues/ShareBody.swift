package import Domain
import JSON
package import NIOCore

/// The body of a request for a pre-signed URL: `{"paths": ["messages"], "methods": ["GET"], "expires": "2031-12-31"}`.
package struct ShareBody: Sendable, Equatable {
    /// Parts of a queue that can be shared.
    package enum Part: String, Sendable, CaseIterable {
        case messages, subscriptions, claims, stream
    }

    /// At least one; messages when the caller did not say.
    package let parts: [Part]
    /// At least one; `GET` when the caller did not say.
    package let methods: [String]
    /// As the caller wrote it; nil: not said.
    package let expires: String?

    /// - Throws: ``Refusal/bodyInvalid(_:)`` for what is no such object, ``Refusal/requestInvalid(_:)`` for values.
    package init(document bytes: [UInt8]) throws(Refusal) {
        guard !bytes.isEmpty else { throw .bodyInvalid("The body has to be a JSON object.") }
        let object = try JSONObject(body: bytes)
        for member in object.members where !["paths", "methods", "expires"].contains(member.name) {
            throw .bodyInvalid("The body may hold paths, methods and expires only, and holds \(member.name).")
        }
        let parts = try Self.texts("paths", of: object).map { text throws(Refusal) in
            guard let part = Part(rawValue: text) else {
                let known = Part.allCases.map(\.rawValue).joined(separator: ", ")
                throw .requestInvalid("paths may hold \(known) only.")
            }
            return part
        }
        let methods = try Self.texts("methods", of: object)
        // Whatever else a text could hold here, such as a comma, would read as another signature's fields.
        let isMethod = { (text: String) in !text.isEmpty && text.utf8.allSatisfy { (0x41...0x5A).contains($0) } }
        guard methods.allSatisfy(isMethod) else {
            throw .requestInvalid("methods have to be HTTP methods in upper case.")
        }
        if let value = object["expires"], object.text(value) == nil {
            throw .requestInvalid("expires has to be a string.")
        }
        self.parts = parts.isEmpty ? [.messages] : parts
        self.methods = methods.isEmpty ? ["GET"] : methods
        self.expires = object["expires"].flatMap(object.text)
    }

    /// Paths, and methods, of one share: what is signed has to fit into a header.
    private static let textsMax = 32

    /// The texts of an array; none when it is null or not there.
    private static func texts(_ name: String, of object: JSONObject) throws(Refusal) -> [String] {
        guard let value = object[name] else { return [] }
        guard let texts = object.texts(value) else {
            throw .requestInvalid("\(name) has to be an array of strings.")
        }
        guard texts.count <= Self.textsMax else {
            throw .requestInvalid("\(name) may hold at most \(Self.textsMax) strings.")
        }
        return texts
    }

    /// The answer: `{"project": "p", "paths": ["/v2/queues/q/messages"], "methods": ["GET"], "expires": "…", "signature": "…"}`.
    package static func answer(
        project: String, paths: [String], methods: [String], expires: String, signature: String
    ) -> ByteBuffer {
        JSONWriter.object(capacity: 512) { object in
            object.member("project", project)
            object.member("paths", paths)
            object.member("methods", methods)
            object.member("expires", expires)
            object.member("signature", signature)
        }
    }
}
