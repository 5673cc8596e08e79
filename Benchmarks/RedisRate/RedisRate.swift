import Foundation
import Logging
import NIOPosix
import Redis

/// Calls one script from many callers at once, and prints one line of JSON about it.
///
/// ```
/// redis-rate URL CALLERS SECONDS SCRIPT KEYS [KEY…] [ARGUMENT…]
/// {"callers":128,"per_second":…,"cpu_us":…,"p50_us":…,"p99_us":…,"failed":0}
/// ```
/// It is a program of the root package, not of one apart, since only that may use the Redis module
/// (docs/decisions/0002-benchmarks.md).
@main
enum RedisRate {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard
            arguments.count >= 6, let callers = Int(arguments[2]), let seconds = Double(arguments[3]),
            let keys = Int(arguments[5]), arguments.count >= 6 + keys
        else {
            print("usage: redis-rate URL CALLERS SECONDS SCRIPT KEYS [KEY…] [ARGUMENT…]")
            exit(64)
        }
        let work = Work(
            script: RedisScript(name: "measured", source: Array(arguments[4].utf8)),
            keys: Array(arguments[6..<(6 + keys)]), arguments: Array(arguments[(6 + keys)...]))
        let client = RedisClient(
            url: try RedisURL(arguments[1], as: .setting), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "redis-rate"))
        _ = try await self.measure(client, work, callers: callers, seconds: 0.2)
        let figures = try await self.measure(client, work, callers: callers, seconds: seconds)
        print(figures)
        await client.shutDown()
    }

    private static func measure(_ client: RedisClient, _ work: Work, callers: Int, seconds: Double) async throws
        -> String
    {
        let cpuBefore = cpuSeconds()
        let start = ContinuousClock.now
        let results = try await withThrowingTaskGroup(of: CallerResult.self) { group in
            for _ in 0..<callers { group.addTask { await self.callUntilCancelled(client, work) } }
            try await Task.sleep(for: .seconds(seconds))
            group.cancelAll()
            return try await group.reduce(into: [CallerResult]()) { $0.append($1) }
        }
        let elapsed = start.duration(to: .now) / .seconds(1)
        let calls = results.map(\.calls).reduce(0, +)
        let cpu = (cpuSeconds() - cpuBefore) * 1e6 / Double(max(calls, 1))
        let latencies = results.flatMap(\.sampledNs).sorted()
        func percentile(_ part: Double) -> Double {
            latencies.isEmpty ? 0 : Double(latencies[Int(Double(latencies.count - 1) * part)]) / 1_000
        }
        return String(
            format: #"{"callers":%d,"per_second":%.0f,"cpu_us":%.2f,"p50_us":%.0f,"p99_us":%.0f,"failed":%d}"#,
            callers, Double(calls) / elapsed, cpu, percentile(0.5), percentile(0.99),
            results.map(\.failed).reduce(0, +))
    }

    private struct Work {
        let script: RedisScript
        let keys: [String]
        let arguments: [String]
    }

    private struct CallerResult {
        var calls = 0
        var failed = 0
        var sampledNs: [Int64] = []
    }

    private static func callUntilCancelled(_ client: RedisClient, _ work: Work) async -> CallerResult {
        var result = CallerResult()
        while !Task.isCancelled {
            var call = ScriptCall(work.script, keys: work.keys.map { RedisKey($0) })
            for argument in work.arguments { call.append(argument) }
            let start = result.calls % callsPerSample == 0 ? ContinuousClock.now : nil
            do throws(RedisError) {
                _ = try await client.run(call)
            } catch {
                result.failed += 1
            }
            result.calls += 1
            if let start { result.sampledNs.append(Int64((start.duration(to: .now) / .nanoseconds(1)).rounded())) }
        }
        return result
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    private static let callsPerSample = 16
}
