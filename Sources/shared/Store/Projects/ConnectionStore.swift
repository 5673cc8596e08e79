package import Domain
import Redis

/// How many connections projects have with each process; all of it in the control store.
///
/// What a process says counts for ``life``, so that those of one that ended lapse.
package struct ConnectionStore: Sendable {
    package static let life = ProcessRegistry.life
    /// How often a process says it.
    package static let interval = ProcessRegistry.interval

    let runner: ScriptRunner

    /// Counts one more, unless all processes together have as many as may be.
    ///
    /// - Returns: Whether it counts.
    package func open(of project: ProjectID, by process: String, max: Int) async throws(StoreError) -> Bool {
        try await self.hold(project, by: process, count: nil, more: 1, max: max).isHeld
    }

    /// Says how many there are of some projects.
    package func beat(
        _ counts: [(project: ProjectID, count: Int)], by process: String
    ) async throws(StoreError) {
        _ = try await self.runner.runAll(
            counts.map { self.call($0.project, by: process, count: $0.count, more: 0, max: 0) })
    }

    /// How many all processes together have, as far as they are counted.
    package func count(of project: ProjectID, asking process: String) async throws(StoreError) -> Int {
        try await self.hold(project, by: process, count: nil, more: 0, max: 0).total
    }

    private func hold(
        _ project: ProjectID, by process: String, count: Int?, more: Int, max: Int
    ) async throws(StoreError) -> (isHeld: Bool, total: Int) {
        let call = self.call(project, by: process, count: count, more: more, max: max)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.connectionsHold)
        return (try reply.int() == 1, try reply.int())
    }

    private func call(
        _ project: ProjectID, by process: String, count: Int?, more: Int, max: Int
    ) -> ScriptCall {
        var call = self.runner.call(Scripts.connectionsHold, keys: [KeySpace.connections(of: project)])
        call.append(process)
        call.append(count.map { String($0) } ?? "")
        call.append(more)
        call.append(max)
        call.append(Int64(Self.life / .milliseconds(1)))
        return call
    }
}

extension Store {
    /// The connections of projects, where this is the control store.
    package var connections: ConnectionStore { ConnectionStore(runner: self.runner) }
}
