package import ArgumentParser
import Domain
import Placement
package import Settings
import Startup
import Store

/// `herald queue move`: moves a queue to another pool while it is used.
package struct QueueMoveCommand: SettingCommand {
    package static let settings = StoreSettings.all
    package static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Move a queue to another pool while it is used.",
        discussion: """
            Messages, claims, subscriptions and what waits for them go along, with their ids and in their order. Queues that dead \
            letters go between move together. Deliveries wait for the time of the move, and calls for the time that copying takes; \
            an ended command leaves the queue where it was or where it goes. \(Counterpart.redis.rawValue)
            """)

    @Argument(help: "The name of the queue.")
    package var name: String
    @Argument(help: "The pool to move it to, or \(MoveAccess.defaultName) for the Redis of the deployment.")
    package var pool: String
    @Option(help: "The project of the queue.")
    package var project = "default"
    @OptionGroup package var flags: SettingFlags<QueueMoveCommand>

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let queue = QueueAddress(
                project: try MoveAccess.project(self.project), name: try MoveAccess.queue(self.name))
            let target = try MoveAccess.pool(self.pool)
            let access = try await MoveAccess.open(self.flags.given)
            guard let place = try await access.directory.placement(of: queue) else {
                throw Failure("the project has no queue '\(self.name)'", .notFound)
            }
            guard place.pool != target else {
                terminal.line("Nothing to move: the queue lives on \(MoveAccess.name(of: target)).")
                return
            }
            let group = try await MoveAccess.failing {
                let groups = try await QueueGroups(of: queue.project, on: place.pool, in: access.directory)
                guard let group = groups.group(of: queue) else { throw MoveFailure.absent(queue.name) }
                try await QueueMover(access.directory).move(group, from: place.pool, to: target)
                return group
            }
            terminal.line(
                "Moved to \(MoveAccess.name(of: target)): \(group.map(\.name.text).joined(separator: ", ")).")
        }
    }
}
