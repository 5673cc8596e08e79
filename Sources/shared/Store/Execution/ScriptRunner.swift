import Domain
import Redis

/// The Redis client and the clock that all parts of a store share.
struct ScriptRunner: Sendable {
    let client: RedisClient
    let clock: StoreClock
    /// Of the store in this Redis, see `RedisClient.adopt(_:)`; nil while it is opened.
    var epoch: Int?

    /// How far writes get.
    var durability = StoreDurability.memory
    /// Finds the queues that have moved away; nil: what meets a closed queue fails.
    var relocation: (any QueueRelocation)?

    /// Calls of one operation before it gives up: a script that could not finish in one bounded step is called again.
    static let roundsMax = 256

    /// A call with the first argument of every script, the time, already in it.
    func call(_ script: RedisScript, keys: [RedisKey]) -> ScriptCall {
        var call = ScriptCall(script, keys: keys)
        call.append(self.clock.argument)
        return call
    }

    func run(_ call: ScriptCall) async throws(StoreError) -> RedisValue {
        do throws(StoreError) {
            return try await self.perform(call)
        } catch {
            guard error == .closed, let relocation, let queue = KeySpace.queue(namedIn: call.keys) else { throw error }
            return try await relocation.access(nowTo: queue).runner.perform(call)
        }
    }

    private func perform(_ call: ScriptCall) async throws(StoreError) -> RedisValue {
        let start = ContinuousClock.now
        defer { ScriptTimes.shared.record(call.script, since: start) }
        do { return try await self.client.run(call, epoch: self.epoch) } catch { throw StoreError(error) }
    }

    /// Runs a script whose caller is promised that what it writes stays.
    ///
    /// - Throws: ``StoreError/notReached(_:)`` when it has written, and that has not got as far as it has to.
    func write(_ call: ScriptCall) async throws(StoreError) -> RedisValue {
        let (reply, isReached) = try await self.write(call, reaching: nil)
        guard isReached else { throw self.notReached }
        return reply
    }

    /// Runs such a script, which may turn out to have nothing to write.
    ///
    /// - Parameter own: What the queue asks for that it writes to; nil: nothing.
    /// - Returns: Its reply, and whether what it wrote has got as far as it has to.
    func write(
        _ call: ScriptCall, reaching own: Durability?
    ) async throws(StoreError) -> (reply: RedisValue, isReached: Bool) {
        guard let reach = self.durability.reach(for: own) else { return (try await self.run(call), true) }
        do throws(StoreError) {
            return try await self.perform(call, reaching: reach)
        } catch {
            guard error == .closed, let relocation, let queue = KeySpace.queue(namedIn: call.keys) else { throw error }
            return try await relocation.access(nowTo: queue).runner.perform(call, reaching: reach)
        }
    }

    private func perform(
        _ call: ScriptCall, reaching reach: WriteReach
    ) async throws(StoreError) -> (reply: RedisValue, isReached: Bool) {
        let start = ContinuousClock.now
        defer { ScriptTimes.shared.record(call.script, since: start) }
        do {
            let answer = try await self.client.runAwaited(call, epoch: self.epoch)
            return (answer.reply, answer.copies >= reach.copies)
        } catch {
            throw StoreError(error)
        }
    }

    /// What is thrown for what is written and has not got as far as it has to.
    var notReached: StoreError { .notReached(self.durability.usual) }

    /// Sends a command about a queue.
    func send(_ command: RedisCommand, of queue: QueueAddress) async throws(StoreError) -> RedisValue {
        do throws(StoreError) {
            return try await self.send(command)
        } catch {
            guard error == .closed, let relocation else { throw error }
            return try await relocation.access(nowTo: queue).runner.send(command)
        }
    }

    func send(_ command: RedisCommand) async throws(StoreError) -> RedisValue {
        do { return try await self.client.send(command, epoch: self.epoch) } catch { throw StoreError(error) }
    }

    /// Sends a command that names no key to every server that takes writes.
    func sendToServers(_ command: RedisCommand) async throws(StoreError) -> [RedisValue] {
        do { return try await self.client.sendToAll(command) } catch { throw StoreError(error) }
    }

    /// Runs independent calls at once; the replies are in the order of the calls.
    func runAll(_ calls: [ScriptCall]) async throws(StoreError) -> [RedisValue] {
        try await self.all(calls) { (call: ScriptCall) throws(StoreError) in try await self.run(call) }
    }

    /// Sends independent commands at once; the replies are in the order of the commands.
    func sendAll(_ commands: [RedisCommand]) async throws(StoreError) -> [RedisValue] {
        try await self.all(commands) { (command: RedisCommand) throws(StoreError) in try await self.send(command) }
    }

    /// The same; each has an outcome of its own.
    func sendEach(_ commands: [RedisCommand]) async -> [Result<RedisValue, StoreError>] {
        await self.each(commands) { (command: RedisCommand) throws(StoreError) in try await self.send(command) }
    }

    private func all<Work: Sendable>(
        _ work: [Work], _ perform: @escaping @Sendable (Work) async throws(StoreError) -> RedisValue
    ) async throws(StoreError) -> [RedisValue] {
        var replies: [RedisValue] = []
        for result in await self.each(work, perform) { replies.append(try result.get()) }
        return replies
    }

    private func each<Work: Sendable>(
        _ work: [Work], _ perform: @escaping @Sendable (Work) async throws(StoreError) -> RedisValue
    ) async -> [Result<RedisValue, StoreError>] {
        await withTaskGroup(of: (Int, Result<RedisValue, StoreError>).self) { group in
            for (index, item) in work.enumerated() {
                group.addTask {
                    do throws(StoreError) {
                        return (index, .success(try await perform(item)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [(Int, Result<RedisValue, StoreError>)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
