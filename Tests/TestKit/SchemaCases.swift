import Foundation

/// Values held against the schemas of an AsyncAPI document, by PyPI's `jsonschema`.
package struct SchemaCases {
    private var cases: [[String: Any]] = []

    package init() {}

    /// - Parameters:
    ///   - schema: A pointer into the document, `#/components/…`.
    ///   - value: A JSON value as Foundation has it.
    package mutating func add(_ schema: String, _ value: Any) {
        self.cases.append(["schema": schema, "value": value])
    }

    package var count: Int { self.cases.count }

    /// A line for each value that is not as its schema says, and for each schema that is none.
    ///
    /// - Parameter document: JSON.
    package func faults(in document: String) async throws -> [String] {
        let cases = try JSONSerialization.data(withJSONObject: self.cases)
        let run = try await Python.run { folder in
            let files = [
                folder.appendingPathComponent("document.json"), folder.appendingPathComponent("cases.json"),
            ]
            try Data(document.utf8).write(to: files[0])
            try cases.write(to: files[1])
            return [Python.script("schemas.py")] + files.map(\.path)
        }
        let lines = run.output.split(separator: "\n").map(String.init)
        // A program that failed in another way has checked nothing.
        guard lines.last == "\(self.count) cases" else { return lines + ["\(run.exit)"] }
        return lines.dropLast()
    }
}
