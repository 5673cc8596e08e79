import Testing

@testable import Runtime

struct ProcessFiguresTests {
    @Test func `This process has threads, memory and open files`() throws {
        let figures = try #require(ProcessFigures.now())
        #expect(figures.threads >= 1 && figures.residentBytes > 1_000_000 && figures.cpuSeconds > 0)
        #expect(figures.openFiles >= 3 && figures.openFilesMax >= figures.openFiles)
    }

    @Test func `A name in parentheses may hold parentheses, blanks and numbers`() {
        let stat =
            "7 (a) 1 (b) S 1 7 7 0 -1 4194304 100 0 0 0 10 20 0 0 20 0 33 0 5000 1000000 444 18446744073709551615"
        #expect(ProcessFigures.threadsAndPages(stat).map { [$0.threads, $0.pages] } == [33, 444])
        #expect(ProcessFigures.threadsAndPages("7 (a) S 1") == nil)
        #expect(ProcessFigures.threadsAndPages("") == nil)
    }

    @Test func `They are shown in the format of Prometheus`() {
        let figures = ProcessFigures(
            residentBytes: 5, threads: 4, cpuSeconds: 1.5, openFiles: 3, openFilesMax: 10)
        let text = figures.text
        #expect(text.contains("# HELP process_cpu_seconds_total \(Metric.processCPU.help)\n"))
        #expect(text.contains("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n"))
        #expect(text.contains("# TYPE process_open_fds gauge\nprocess_open_fds 3\n"))
        #expect(text.contains("process_max_fds 10\n") && text.contains("process_resident_memory_bytes 5\n"))
    }
}
