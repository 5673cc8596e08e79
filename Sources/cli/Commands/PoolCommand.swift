package import ArgumentParser
import Domain
import Placement
package import Settings
import Startup
import Store

/// `herald pool`: the pools of a deployment.
package struct PoolCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "pool", abstract: "Manage the pools of a deployment.", subcommands: [PoolDrainCommand.self])

    package init() {}
}

/// `herald pool drain`: moves every queue of a pool to other pools.
package struct PoolDrainCommand: SettingCommand {
    package static let settings = StoreSettings.all
    package static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Move every queue of a pool to other pools, so that it can be removed.",
        discussion: """
            Set the weight of the pool to 0 first, so that it gets no new queues. Each queue goes to a pool that is drawn by weight among \
            those of its flavor, or to the one given by --to; see `herald queue move`. Run it again for what could not be moved. \
            \(Counterpart.redis.rawValue)
            """)

    @Argument(help: "The pool, or \(MoveAccess.defaultName) for the Redis of the deployment.")
    package var name: String
    @Option(help: "The pool that all of its queues go to, or \(MoveAccess.defaultName).")
    package var to: String?
    @OptionGroup package var flags: SettingFlags<PoolDrainCommand>
    @OptionGroup package var consent: Consent

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let source = try MoveAccess.pool(self.name)
            let target = try self.to.map { try MoveAccess.pool($0) }
            guard target.map({ $0 != source }) ?? true else {
                throw Failure("--to names the pool itself", .usage)
            }
            let access = try await MoveAccess.open(self.flags.given)
            try self.consent.ask("Move every queue of \(MoveAccess.name(of: source))?", on: terminal)
            let progress = Progress()
            defer { progress.end() }
            let drained = try await MoveAccess.failing {
                try await PoolDrain(source, to: target, in: access.directory).run { group, target in
                    progress.show("\(group.first?.name.text ?? "") to \(MoveAccess.name(of: target))")
                    try await QueueMover(access.directory).move(group, from: source, to: target)
                }
            }
            progress.end()
            for (queue, failure) in drained.failures {
                terminal.line("Not moved: \(queue.name.text) of \(queue.project.text): \(failure)")
            }
            terminal.line("Moved: \(drained.moved) queues. Left: \(drained.left).")
            if drained.left > 0 { throw Failure("\(drained.left) queues are left", .later) }
        }
    }
}
