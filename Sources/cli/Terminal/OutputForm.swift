package import ArgumentParser

/// How a command shows what it found.
package enum OutputForm: String, CaseIterable, Sendable, ExpressibleByArgument {
    /// For people: columns with a head, or a line for each member of one object.
    case table
    case json
    case yaml

    /// A column of a table: its head, and the member it shows.
    package struct Column: Sendable {
        let head: String
        let member: String

        /// - Parameter head: nil: the member's name.
        package init(_ member: String, head: String? = nil) {
            self.member = member
            self.head = (head ?? member).uppercased()
        }
    }

    /// The lines that show a list of objects.
    package func lines(_ rows: [OutputValue], columns: [Column]) throws(Failure) -> [String] {
        switch self {
        case .table: Self.table([columns.map(\.head)] + rows.map { row in columns.map { row[$0.member]?.cell ?? "-" } })
        case .json: [OutputValue.list(rows).json]
        case .yaml: [try OutputValue.list(rows).yaml]
        }
    }

    /// The lines that show one object.
    package func lines(_ object: OutputValue) throws(Failure) -> [String] {
        switch self {
        case .table:
            if case .object(let members) = object {
                Self.table(members.map { [$0.name, $0.value.cell] })
            } else {
                [object.cell]
            }
        case .json: [object.json]
        case .yaml: [try object.yaml]
        }
    }

    /// Cells in columns as wide as their widest cell, two blanks between.
    private static func table(_ rows: [[String]]) -> [String] {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                index == columns - 1
                    ? cell.0 : cell.0 + String(repeating: " ", count: max(0, cell.1 - cell.0.count) + 2)
            }.joined()
        }
    }
}

/// The option of every command that shows something.
package struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .long], help: "How it is shown: table, json or yaml.")
    package var output: OutputForm = .table

    package init() {}
}
