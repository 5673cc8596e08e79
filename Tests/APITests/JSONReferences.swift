/// The references (`$ref`) of a document in JSON, of which each leads to a place of the document itself.
struct JSONReferences {
    let root: [String: Any]

    /// The value a pointer leads to (`#/components/schemas/x`).
    subscript(pointer: String) -> Any? {
        pointer.split(separator: "/").dropFirst().reduce(self.root as Any?) { value, part in
            (value as? [String: Any])?[String(part)]
        }
    }

    /// The pointers that lead nowhere, sorted.
    var dangling: [String] {
        var pointers: Set<String> = []
        func walk(_ value: Any) {
            if let object = value as? [String: Any] {
                if let pointer = object["$ref"] as? String { pointers.insert(pointer) }
                for child in object.values { walk(child) }
            } else if let array = value as? [Any] {
                for child in array { walk(child) }
            }
        }
        walk(self.root)
        return pointers.filter { self[$0] == nil }.sorted()
    }
}
