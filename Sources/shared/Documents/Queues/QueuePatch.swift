package import Domain
import JSON
import NIOCore

/// A change of a queue's metadata: `[{"op": "replace", "path": "/metadata/owner", "value": "billing"}, …]`
/// (docs/api.md, "Queues").
///
/// Made of RFC 6902, with pointers of exactly two segments, and with rules of its own for what is not stored:
///
/// | op | stored | not stored, always shown | not stored, other |
/// |---|---|---|---|
/// | add | overwrite | set | set |
/// | replace | overwrite | set | conflict |
/// | remove | delete | nothing | conflict |
package struct QueuePatch: Sendable, Equatable {
    /// In the order of the request; may be empty.
    package let operations: [Operation]

    package struct Operation: Sendable, Equatable {
        package enum Change: Sendable, Equatable {
            /// The values are JSON as it was written.
            case add([UInt8])
            case replace([UInt8])
            case remove
        }

        package let change: Change
        /// The member of the metadata.
        package let name: String
    }

    /// Metadata after a change: what is to be stored, and the same laid open.
    package struct Result: Sendable {
        package let document: [UInt8]
        package let metadata: QueueMetadata
    }

    /// Reads the request, looking at nothing stored.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package init(document bytes: [UInt8]) throws(Refusal) {
        let operations: [JSONObject?]
        do {
            operations = try Self.objects(of: bytes)
        } catch {
            throw .unparsable(error)
        }
        self.operations = try operations.map { object throws(Refusal) in
            guard let object else { throw .bodyInvalid("Every operation has to be a JSON object.") }
            return try Operation(object)
        }
    }

    /// The elements of an array; nil stands for one that is no object.
    private static func objects(of bytes: [UInt8]) throws(JSONInvalid) -> [JSONObject?] {
        var reader = JSONReader()
        var objects: [JSONObject?] = []
        if try reader.peek(in: bytes.span) == UInt8(ascii: "{") {
            _ = try reader.value(in: bytes.span)
            try reader.end(in: bytes.span)
            return [nil]
        }
        try reader.openArray(in: bytes.span)
        while try reader.nextElement(in: bytes.span) {
            if try reader.peek(in: bytes.span) == UInt8(ascii: "{") {
                objects.append(try JSONObject(&reader, of: bytes))
            } else {
                _ = try reader.value(in: bytes.span)
                objects.append(nil)
            }
        }
        try reader.end(in: bytes.span)
        return objects
    }

    /// Carries the operations out in order, all or none.
    ///
    /// What they do not touch stays as it was written.
    ///
    /// - Parameter stored: The metadata as the store has it.
    /// - Throws: ``Refusal/metadataConflict(_:)`` for what is not there, ``Refusal/bodyInvalid(_:)`` when the result
    ///   breaks a rule of reserved attributes or a limit.
    package func applied(
        to stored: QueueMetadata, of queue: QueueName, limits: Limits, owner: QueueMetadata.Owner = .queue
    ) throws(Refusal) -> Result {
        var members = stored.verbatimMembers
        var places: [[UInt8]: Int] = [:]
        for (place, member) in members.enumerated() { places[Array(member.name.utf8)] = place }
        for operation in self.operations {
            let key = Array(operation.name.utf8)
            let place = places[key]
            switch operation.change {
            case .add(let value), .replace(let value):
                if let place {
                    members[place].value = value
                    continue
                }
                guard operation.isAdding || QueueMetadata.isAlwaysShown(operation.name, by: owner) else {
                    throw .metadataConflict("There is no member \(operation.name) to replace.")
                }
                places[key] = members.count
                members.append((operation.name, value))
            case .remove:
                if let place {
                    members[place].value = []
                    places[key] = nil
                } else if !QueueMetadata.isAlwaysShown(operation.name, by: owner) {
                    throw .metadataConflict("There is no member \(operation.name) to remove.")
                }
            }
        }
        return try Self.checked(members.filter { !$0.value.isEmpty }, of: queue, limits: limits)
    }

    private static func checked(
        _ members: [(name: String, value: [UInt8])], of queue: QueueName, limits: Limits
    ) throws(Refusal) -> Result {
        let buffer = JSONWriter.object { object in
            for member in members { object.member(named: member.name, verbatim: member.value[...]) }
        }
        let bytesMax = limits.queueMetadataStoredBytesMax
        guard buffer.readableBytes <= bytesMax else {
            throw .bodyInvalid("The metadata of a queue may have at most \(bytesMax) bytes.")
        }
        let document = Array(buffer.readableBytesView)
        do {
            let metadata = try QueueMetadata(document: document, of: queue, limits: limits)
            return Result(document: document, metadata: metadata)
        } catch .requestInvalid(let description) {
            // Whatever is wrong with a patch has one title, values of attributes included.
            throw .bodyInvalid(description)
        }
    }
}

extension QueuePatch.Operation {
    var isAdding: Bool {
        if case .add = self.change { return true }
        return false
    }

    init(_ object: JSONObject) throws(Refusal) {
        guard let op = object["op"].flatMap(object.text) else {
            throw .bodyInvalid("An operation lacks its 'op', or it is no string.")
        }
        guard let path = object["path"].flatMap(object.text) else {
            throw .bodyInvalid("An operation lacks its 'path', or it is no string.")
        }
        let value = object.value(of: "value").map { Array(object.verbatim($0)) }
        switch op {
        case "add":
            guard let value else { throw .bodyInvalid("The operation 'add' needs a 'value'.") }
            self.change = .add(value)
        case "replace":
            guard let value else { throw .bodyInvalid("The operation 'replace' needs a 'value'.") }
            self.change = .replace(value)
        case "remove": self.change = .remove
        default: throw .bodyInvalid("'op' has to be one of add, replace, remove.")
        }
        self.name = try Self.name(at: path)
    }

    /// The member a pointer names: `/metadata/<name>`, blanks around a segment aside, `~0` for `~` and `~1` for `/`.
    private static func name(at path: String) throws(Refusal) -> String {
        guard path.utf8.first == UInt8(ascii: "/") else { throw .bodyInvalid("'path' has to start with a slash.") }
        let segments = path.unicodeScalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .map(Self.trimmed)
        guard segments.allSatisfy({ !$0.isEmpty }) else { throw .bodyInvalid("'path' may not have an empty segment.") }
        guard segments.count == 2, segments[0].lowercased() == "metadata" else {
            throw .bodyInvalid("'path' has to be /metadata/ and the name of a member.")
        }
        var name = String.UnicodeScalarView()
        var rest = segments[1].unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "~" else {
                name.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "0": name.append("~")
            case "1": name.append("/")
            default: throw .bodyInvalid("'path' may have '~' only as '~0' or '~1'.")
            }
        }
        return String(name)
    }

    private static func trimmed(_ segment: Substring.UnicodeScalarView) -> String {
        let head = segment.drop { $0.properties.isWhitespace }
        guard let last = head.lastIndex(where: { !$0.properties.isWhitespace }) else { return "" }
        return String(String.UnicodeScalarView(head[...last]))
    }
}
