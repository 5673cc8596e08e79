package import JSON
import NIOCore

/// Names that are taken because they are the caller's to choose, and look as if they were meant for Herald: they begin with an underscore,
/// or are members of a retry policy, and mean nothing (docs/api.md, "Names that mean nothing").
package enum UnrecognizedNames {
    private static let options: Set<String> = [
        LifeOption.name, FilterOption.name, RetryPolicyShape.name, MailOptionsShape.name, FinalStatusesShape.name,
        SignatureOption.name, FormatOption.name,
        DeliveryOptions.Name.gone, PaceShape.Name.ordered, PaceShape.Name.rateLimit,
    ]

    /// Of the metadata of a queue or a topic.
    package static func inMetadata(_ document: [UInt8], of owner: QueueMetadata.Owner) -> [String] {
        guard let object = try? JSONObject(document: document) else { return [] }
        return object.members.flatMap { member in
            Self.named(member.name, member.value, in: object, among: QueueMetadata.reservedNames(of: owner))
        }
    }

    /// Of a change of such metadata.
    package static func inPatch(_ document: [UInt8], of owner: QueueMetadata.Owner) -> [String] {
        guard let patch = try? QueuePatch(document: document) else { return [] }
        return patch.operations.flatMap { operation -> [String] in
            switch operation.change {
            case .remove: []
            case .add(let value), .replace(let value):
                Self.inMetadata(
                    Array(
                        JSONWriter.object { $0.member(named: operation.name, verbatim: value[...]) }.readableBytesView),
                    of: owner)
            }
        }
    }

    /// Of the options of a subscription, in the body that makes or changes it.
    package static func inSubscription(_ document: [UInt8]) -> [String] {
        (try? JSONObject(document: document)).map(Self.inSubscription) ?? []
    }

    /// The same of a body that was read.
    package static func inSubscription(_ body: JSONObject) -> [String] {
        guard let options = body["options"].flatMap({ body.object($0) }) else { return [] }
        let known = Self.options.union(SessionOptions.Name.all)
        return options.members.flatMap { Self.named($0.name, $0.value, in: options, among: known) }
    }

    private static func named(
        _ name: String, _ value: JSONValue, in object: JSONObject, among known: Set<String>
    ) -> [String] {
        guard name.hasPrefix("_") else { return [] }
        guard known.contains(name) else { return [name] }
        guard name == RetryPolicyShape.name, let policy = object.object(value) else { return [] }
        return policy.members.map(\.name).filter { !RetryPolicyShape.memberNames.contains($0) }.map { "\(name).\($0)" }
    }
}
