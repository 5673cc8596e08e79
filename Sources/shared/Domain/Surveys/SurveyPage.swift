/// A page of what an administrator looks through.
///
/// Its work is bounded, so it may hold fewer rows than were asked for, or none, and there are more all the same.
package struct SurveyPage<Row: Sendable>: Sendable {
    package var rows: [Row]
    /// Where the next page begins; nil: this was the last one.
    package var marker: String?
    /// Pools that did not answer, and of which rows are missing.
    package var unreachable: [String]

    package init(rows: [Row] = [], marker: String? = nil, unreachable: [String] = []) {
        self.rows = rows
        self.marker = marker
        self.unreachable = unreachable
    }
}
