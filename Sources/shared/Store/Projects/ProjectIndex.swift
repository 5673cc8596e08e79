package import Domain
import Redis

/// The projects that have queues, in byte order, in the control store.
///
/// A project is listed with its first queue, and no longer once its last one is unregistered. One whose queues an older version
/// made is listed once a request of it reaches a process of this one.
package struct ProjectIndex: Sendable {
    private let runner: ScriptRunner

    init(runner: ScriptRunner) {
        self.runner = runner
    }

    /// Projects greater than `after`; `limit` of them unless the list ends before.
    package func list(after: ProjectID?, limit: Int) async throws(StoreError) -> [ProjectID] {
        var command = RedisCommand("ZRANGEBYLEX", arguments: 6)
        command.append(KeySpace.projects)
        command.append(after.map { "(\($0.text)" } ?? "-")
        for argument in ["+", "LIMIT", "0", String(limit)] { command.append(argument) }
        var reply = try ReplyReader(try await self.runner.send(command), of: "ZRANGEBYLEX")
        var projects: [ProjectID] = []
        while !reply.isAtEnd {
            do { projects.append(try ProjectID(try reply.text())) } catch {
                throw .corrupt("a listed project has no valid id")
            }
        }
        return projects
    }

    /// Lists a project, if it has queues.
    package func note(_ project: ProjectID) async throws(StoreError) {
        var call = self.runner.call(Scripts.projectNote, keys: [KeySpace.projects, KeySpace.queueNames(of: project)])
        call.append(project.text)
        _ = try await self.runner.run(call)
    }
}

extension Store {
    /// The projects, where this is the control store.
    package var projects: ProjectIndex { ProjectIndex(runner: self.runner) }
}
