/// Decides which of repeated lines are written: the first at once, then one in each period, with a count.
///
/// It keeps no clock and writes nothing. A source of lines is a place in the code, so the table is as long as the program,
/// whatever callers send; a source may be split by something that has a bound (a pool, a trouble of the store).
package struct RepetitionLimit<Line: Sendable>: Sendable {
    /// Where a line comes from.
    package struct Source: Hashable, Sendable {
        package let file: String
        package let line: UInt
        /// Tells apart what has a bound; empty for the place in the code alone.
        package let part: String

        package init(file: String, line: UInt, part: String) {
            self.file = file
            self.line = line
            self.part = part
        }
    }

    /// A line that stands for others.
    package struct Held: Sendable {
        /// The latest of them.
        package let line: Line
        /// How many it stands for, itself included.
        package let count: Int
    }

    private struct Window: Sendable {
        let end: ContinuousClock.Instant
        var latest: Line?
        var count = 0
    }

    /// Sources that are counted apart at once; when there are more, a source loses its part.
    package static var sourcesMax: Int { 1024 }

    private let period: Duration
    private var windows: [Source: Window] = [:]

    package init(period: Duration) { self.period = period }

    /// - Returns: Whether the line is written now; it is held back otherwise.
    package mutating func admits(_ line: Line, from source: Source, at now: ContinuousClock.Instant) -> Bool {
        var source = source
        if self.windows[source] == nil, self.windows.count >= Self.sourcesMax {
            source = Source(file: source.file, line: source.line, part: "")
        }
        guard var window = self.windows[source] else {
            self.windows[source] = Window(end: now + self.period)
            return true
        }
        window.latest = line
        window.count += 1
        self.windows[source] = window
        return false
    }

    /// Ends the periods that are over, and gives the lines to write for what was held back in them.
    ///
    /// A source with such a line begins another period with it; one without is dropped.
    package mutating func take(dueAt now: ContinuousClock.Instant) -> [Held] {
        var held: [Held] = []
        for (source, window) in self.windows where window.end <= now {
            if let line = window.latest {
                held.append(Held(line: line, count: window.count))
                self.windows[source] = Window(end: now + self.period)
            } else {
                self.windows[source] = nil
            }
        }
        return held
    }

    /// Gives the lines for everything that is held back, whether its period is over or not, and forgets all sources.
    package mutating func takeAll() -> [Held] {
        defer { self.windows = [:] }
        return self.windows.values.compactMap { window in
            window.latest.map { Held(line: $0, count: window.count) }
        }
    }

    /// When the next period ends; nil when none runs.
    package var nextEnd: ContinuousClock.Instant? { self.windows.values.lazy.map(\.end).min() }
}
