/// What AsyncAPI 3.0 lets stand where, as far as our document goes: which members an object has, and what they refer to.
indirect enum AsyncAPIShape: Sendable {
    case text
    case textOrNull
    case any
    case list(AsyncAPIShape)
    /// Names of the author's choice.
    case map(AsyncAPIShape)
    case object([String: AsyncAPIShape], required: [String])
    /// `{"$ref": …}` to an object directly below a pointer.
    case reference(to: String)

    static let document = Self.object(
        [
            "asyncapi": .text, "info": .info, "defaultContentType": .text, "servers": .map(.server),
            "channels": .map(.channel), "operations": .map(.operation), "components": .components,
        ], required: ["asyncapi", "info"])

    private static let info = Self.object(
        [
            "title": .text, "version": .text, "description": .text,
            "license": .object(["name": .text, "url": .text], required: ["name"]),
        ], required: ["title", "version"])

    private static let server = Self.object(
        [
            "host": .text, "protocol": .text, "pathname": .text, "title": .text, "description": .text,
            "variables": .map(.object(["default": .text, "enum": .list(.text), "description": .text], required: [])),
        ], required: ["host", "protocol"])

    private static let tags = Self.list(.object(["name": .text, "description": .text], required: ["name"]))

    private static let channel = Self.object(
        [
            "address": .textOrNull, "title": .text, "description": .text, "bindings": .map(.any),
            "servers": .list(.reference(to: "#/servers")), "messages": .map(.reference(to: "#/components/messages")),
        ], required: [])

    private static let operation = Self.object(
        [
            "action": .text, "title": .text, "description": .text, "tags": .tags, "bindings": .map(.any),
            "channel": .reference(to: "#/channels"), "messages": .list(.any),
            "reply": .object(
                ["channel": .reference(to: "#/channels"), "messages": .list(.any)], required: []),
        ], required: ["action", "channel"])

    private static let message = Self.object(
        [
            "name": .text, "title": .text, "description": .text, "tags": .tags, "contentType": .text, "headers": .any,
            "payload": .any,
            "examples": .list(
                .object(["name": .text, "summary": .text, "headers": .any, "payload": .any], required: [])),
        ], required: [])

    private static let components = Self.object(["messages": .map(.message), "schemas": .map(.any)], required: [])

    /// What a value has that it may not, or lacks.
    ///
    /// - Parameter pointer: Where it stands in `root`.
    func faults(_ value: Any, at pointer: String = "#", of root: [String: Any]) -> [String] {
        switch self {
        case .any: return []
        case .text: return value is String ? [] : ["\(pointer): no text"]
        case .textOrNull: return value is String || "\(value)" == "<null>" ? [] : ["\(pointer): no text, and not null"]
        case .list(let item):
            guard let list = value as? [Any] else { return ["\(pointer): no list"] }
            return list.enumerated().flatMap { item.faults($1, at: "\(pointer)/\($0)", of: root) }
        case .map(let item):
            guard let map = value as? [String: Any] else { return ["\(pointer): no object"] }
            return map.flatMap { name, value in
                (name.wholeMatch(of: /[A-Za-z0-9_.\-]+/) == nil ? ["\(pointer): \(name)"] : [])
                    + item.faults(value, at: "\(pointer)/\(name)", of: root)
            }
        case .object(let members, let required):
            guard let object = value as? [String: Any] else { return ["\(pointer): no object"] }
            let missing = required.filter { object[$0] == nil }.map { "\(pointer): lacks \($0)" }
            return missing
                + object.filter { !$0.key.hasPrefix("x-") }.flatMap { name, value in
                    members[name]?.faults(value, at: "\(pointer)/\(name)", of: root) ?? ["\(pointer): has \(name)"]
                }
        case .reference(let target):
            guard let object = value as? [String: Any], object.count == 1, let reference = object["$ref"] as? String,
                reference.hasPrefix(target + "/"), !reference.dropFirst(target.count + 1).contains("/")
            else { return ["\(pointer): no reference to \(target)"] }
            return []
        }
    }
}
