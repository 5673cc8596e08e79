package import Domain
import JSON

/// The body that gives a project limits: `{"queues": 100}`; what it does not name, or as `null`, is the deployment's.
package enum ProjectLimitsBody {
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package static func limits(document bytes: [UInt8]) throws(Refusal) -> OwnLimits {
        let object = try JSONObject(body: bytes)
        var values: [ProjectLimit: Int] = [:]
        for member in object.members {
            guard let limit = ProjectLimit(rawValue: member.name) else {
                let names = ProjectLimit.allCases.map(\.rawValue).joined(separator: ", ")
                throw .bodyInvalid("A project has no limit \(member.name); there are \(names).")
            }
            if member.value.kind == .null { continue }
            guard let value = member.value.integer.flatMap({ Int(exactly: $0) }) else {
                throw Self.invalid(member.name)
            }
            values[limit] = value
        }
        guard let own = OwnLimits(values) else {
            let wrong = values.first { !(0...ProjectLimits.valueMax).contains($0.value) }
            throw Self.invalid(wrong?.key.rawValue ?? "")
        }
        return own
    }

    private static func invalid(_ name: String) -> Refusal {
        .bodyInvalid("'\(name)' has to be a whole number from 0, for none, through \(ProjectLimits.valueMax), or null.")
    }
}
