package import Domain
import Redis

/// The steps in one store by which a queue leaves it, or comes to it.
///
/// ```
///            source                          target
///   hold     no attempt starts
///   close    its keys are renamed, barred
///   bar                                      its names are barred, what is copied lies beside them
///   …        the directory of queues names the target: the move is decided …
///   open                                     its keys get their names
///   admit                                    attempts start
///   discard  its subscriptions go
///   drop     its messages go
/// ```
/// Where a move is given up, the source takes the part of the target from `open` on, and the target that of the source. Each step
/// may be repeated.
package struct ClosedQueues: Sendable {
    /// Why a queue cannot be closed yet.
    package enum Hindrance: String, Error, Sendable {
        /// Some of its attempts are under way.
        case attempts
        /// Its oldest event is half fanned out.
        case fanout
        /// Messages of it are between two queues.
        case moves
        /// A newer version wrote the pacing of one of its subscriptions.
        case unread
    }

    /// Where a queue that was closed left off.
    package struct Closing: Sendable {
        /// No message of it has a later position.
        let last: Position
        package let deadLetterQueue: QueueAddress?
    }

    /// Subscriptions of one step.
    static let pageMax = 100
    /// Subscriptions that are held by one step, and deliveries that are discarded.
    private static let stepMax = 500
    /// How long the names of a queue stay barred where it was: longer than a process believes to know where it is.
    private static let barredMilliseconds = 60_000

    let runner: ScriptRunner
    let keySpace: KeySpace

    /// Makes a call that all steps begin alike.
    private func call(_ script: RedisScript, of queue: QueueAddress, keys: [RedisKey]) -> ScriptCall {
        var call = self.runner.call(script, keys: keys)
        call.append(self.keySpace.shard(of: queue).prefix)
        return call
    }

    /// Starts no attempt of the queue any more.
    ///
    /// - Returns: Whether all of its subscriptions are held; false: a newer version wrote the pacing of one.
    package func hold(_ queue: QueueAddress) async throws -> Bool {
        let keys = self.keySpace.shard(of: queue)
        var unread = 0
        try await self.eachPage(of: queue, step: Self.stepMax) { page in
            var call = self.call(Scripts.queueHold, of: queue, keys: [keys.pacing, keys.subscriptionOrder(queue)])
            for id in page { call.append(id) }
            unread += try await self.runner.run(call).int ?? 0
        }
        return unread == 0
    }

    /// Closes a queue, unless something hinders that yet.
    ///
    /// - Parameter mark: What lies under its names, of no other move.
    package func close(
        _ queue: QueueAddress, mark: String
    ) async throws(StoreError) -> Result<Closing, Hindrance> {
        let keys = self.keySpace.shard(of: queue)
        var call = self.call(
            Scripts.queueClose, of: queue,
            keys: keys.named(queue) + keys.closed(queue) + [
                keys.leases, keys.subscriptionHeaders, keys.pacing, keys.subscriptionExpiries, keys.deliverySweeps,
                keys.queueSweeps, keys.fanoutPages, keys.fanoutProjects, keys.fanoutQueues(of: queue.project),
                keys.readySubscriptions(of: queue.project), keys.lastPosition, keys.moves,
                keys.deliverySweepMarks, keys.readyProjects, keys.deadLetterOldest(of: queue.project),
            ])
        call.append(queue.key)
        call.append(mark)
        var reply = try ReplyReader(try await self.runner.write(call), of: Scripts.queueClose)
        let answer = try reply.text()
        if let hindrance = Hindrance(rawValue: answer) { return .failure(hindrance) }
        let last = try reply.position()
        let target = try reply.bytes()
        return .success(Closing(last: last, deadLetterQueue: QueueAddress(key: target[...])))
    }

    /// Bars the names of a queue that is to come here.
    ///
    /// - Parameters:
    ///   - mark: What lies under its names, of no other move.
    ///   - closing: Where it left off.
    ///   - isCopied: What was copied here stays, and has got as far as what is written here has to.
    /// - Returns: false when there is a queue of that name.
    package func bar(
        _ queue: QueueAddress, mark: String, _ closing: Closing, isCopied: Bool
    ) async throws(StoreError) -> Bool {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.queueBar, keys: keys.named(queue) + keys.closed(queue) + [keys.lastPosition])
        call.append(mark)
        call.append(closing.last.value)
        call.append(isCopied ? 1 : 0)
        return try await self.runner.write(call).int == 1
    }

    /// What lies under the names of a closed queue; nil: it is not closed here.
    package func mark(of queue: QueueAddress) async throws(StoreError) -> String? {
        var command = RedisCommand("GET", arguments: 1)
        command.append(self.keySpace.shard(of: queue).meta(queue))
        do throws(StoreError) { return try await self.runner.send(command).text } catch {
            guard error == .closed else { throw error }
            return nil
        }
    }

    /// Opens a queue that is closed here; one that is open stays as it is, and so does one that another move has closed.
    ///
    /// - Parameters:
    ///   - mark: Of the move that closed it.
    ///   - isNew: It comes from another store.
    package func open(_ queue: QueueAddress, mark: String, isNew: Bool) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        var call = self.call(
            Scripts.queueOpen, of: queue,
            keys: keys.named(queue) + keys.closed(queue) + [
                keys.queueSweeps, keys.fanoutProjects, keys.fanoutQueues(of: queue.project),
                keys.wakeup, keys.usage(of: queue.project),
            ])
        call.append(queue.key)
        call.append(self.keySpace.number(of: queue))
        call.append(isNew ? 1 : 0)
        call.append(mark)
        _ = try await self.runner.write(call)
    }

    /// Goes on with subscriptions of a queue that were held.
    ///
    /// - Parameter areNew: They come from another store.
    package func admit(
        _ subscriptions: [String], of queue: QueueAddress, areNew: Bool
    ) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        var call = self.call(
            Scripts.subscriptionAdmit, of: queue,
            keys: [
                keys.pacing, keys.subscriptionHeaders, keys.subscriptionExpiries, keys.deliverySweeps,
                keys.readyProjects, keys.wakeup, keys.usage(of: queue.project),
                keys.readySubscriptions(of: queue.project),
            ])
        call.append(queue.key)
        call.append(self.keySpace.number(of: queue))
        call.append(areNew ? 1 : 0)
        for id in subscriptions { call.append(id) }
        _ = try await self.runner.write(call)
    }

    /// Forgets held subscriptions of a queue, which live on in another store.
    ///
    /// - Parameter areCounted: They were served here.
    package func discard(
        _ subscriptions: [String], of queue: QueueAddress, areCounted: Bool
    ) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        while true {
            var call = self.call(
                Scripts.subscriptionDiscard, of: queue,
                keys: [
                    keys.pacing, keys.subscriptionHeaders, keys.subscriptions, keys.attemptCounts, keys.expiredCounts,
                    keys.trusts, keys.deliverySweepMarks, keys.payloads, keys.payloadReferences, keys.payloadExpiries,
                    keys.turns, keys.waitingCounts, keys.usage(of: queue.project),
                ])
            call.append(queue.key)
            call.append(areCounted ? 1 : 0)
            call.append(Self.stepMax)
            for id in subscriptions { call.append(id) }
            if try await self.runner.run(call).int != 1 { return }
        }
    }

    /// Forgets a closed queue.
    ///
    /// - Parameter wasServed: It was served here: its names stay barred for as long as a process may believe that it still is.
    package func drop(_ queue: QueueAddress, wasServed: Bool) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        var call = self.call(
            Scripts.queueDrop, of: queue,
            keys: keys.named(queue) + keys.closed(queue) + [
                keys.usage(of: queue.project), keys.deadLetterBytes(of: queue.project),
                keys.deadLetterOldest(of: queue.project),
            ])
        call.append(queue.key)
        call.append(wasServed ? Self.barredMilliseconds : 0)
        call.append(wasServed ? 1 : 0)
        _ = try await self.runner.run(call)
    }

    /// Where the dead letters of queues go, in their order.
    package func deadLetterQueues(of queues: [QueueAddress]) async throws(StoreError) -> [QueueAddress?] {
        let commands = queues.map { queue in
            var command = RedisCommand("HGET", arguments: 2)
            command.append(self.keySpace.shard(of: queue).meta(queue))
            command.append("dead-letter-queue")
            return command
        }
        var targets: [QueueAddress?] = []
        for answer in await self.runner.sendEach(commands) {
            // One that moves is refused when its group is to move.
            if case .failure(.closed) = answer {
                targets.append(nil)
            } else {
                targets.append(try answer.get().bytes.flatMap { QueueAddress(key: $0[...]) })
            }
        }
        return targets
    }

    /// Does something with the subscriptions of a queue, closed or not, page by page in the order of their creation.
    package func eachPage(
        of queue: QueueAddress, step: Int = pageMax, _ body: ([String]) async throws -> Void
    ) async throws {
        let keys = self.keySpace.shard(of: queue)
        var after = "-inf"
        while true {
            let page: [(id: String, position: String)]
            do throws(StoreError) {
                page = try await self.subscriptions(keys.subscriptionOrder(queue), behind: after, step)
            } catch {
                guard error == .closed else { throw error }
                page = try await self.subscriptions(keys.closedOrder(queue), behind: after, step)
            }
            if !page.isEmpty { try await body(page.map(\.id)) }
            guard page.count == step, let last = page.last else { return }
            after = "(" + last.position
        }
    }

    /// By their positions: others may come and go meanwhile.
    private func subscriptions(
        _ key: RedisKey, behind position: String, _ count: Int
    ) async throws(StoreError) -> [(id: String, position: String)] {
        var command = RedisCommand("ZRANGEBYSCORE", arguments: 7)
        command.append(key)
        for word in [position, "+inf", "WITHSCORES", "LIMIT", "0", String(count)] { command.append(word) }
        var reply = try ReplyReader(try await self.runner.send(command), of: "ZRANGEBYSCORE")
        var page: [(id: String, position: String)] = []
        while !reply.isAtEnd { page.append((try reply.text(), try reply.text())) }
        return page
    }
}
