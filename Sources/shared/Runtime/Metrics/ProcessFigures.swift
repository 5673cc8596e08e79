import Foundation

/// What the operating system counts of this process.
struct ProcessFigures: Equatable {
    var residentBytes: Int
    var threads: Int
    var cpuSeconds: Double
    var openFiles: Int
    var openFilesMax: Int

    /// When the process started, as far as it knows: seconds since 1970.
    private static let startedAt = Date().timeIntervalSince1970

    /// Notes the time, at the start of the process.
    static func processStarts() { _ = self.startedAt }

    /// Asks the system; nil where it does not say.
    static func now() -> ProcessFigures? {
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let (threads, pages) = self.threadsAndPages(stat),
            let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        else { return nil }
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        return ProcessFigures(
            residentBytes: pages.multipliedReportingOverflow(by: Int(getpagesize())).partialValue, threads: threads,
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            // The directory itself was open while it was read.
            openFiles: max(0, files.count - 1), openFilesMax: OpenFiles.raise(to: 0))
    }

    /// The threads and the pages in memory, from `/proc/self/stat`, whose second field may hold anything in parentheses.
    static func threadsAndPages(_ stat: String) -> (threads: Int, pages: Int)? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        // From the third field on; `num_threads` is the 20th, `rss` the 24th (proc(5)).
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 21, let threads = Int(fields[17]), let pages = Int(fields[21]) else { return nil }
        return (threads, pages)
    }

    /// Their families, in the text format of Prometheus.
    var text: String {
        let rows: [(Metric, Kind, Double)] = [
            (.processCPU, .counter, self.cpuSeconds), (.processFilesMax, .gauge, Double(self.openFilesMax)),
            (.processFiles, .gauge, Double(self.openFiles)), (.processMemory, .gauge, Double(self.residentBytes)),
            (.processStart, .gauge, Self.startedAt), (.processThreads, .gauge, Double(self.threads)),
        ]
        return rows.map { metric, kind, value in
            Exposition.help(metric.family, metric.help) + "# TYPE \(metric.family) \(kind.rawValue)\n"
                + Exposition.line(metric.family, "", Exposition.number(value))
        }.joined()
    }
}
