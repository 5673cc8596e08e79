import Domain
package import Redis

/// The processes of a deployment that live, in its control store.
///
/// A process registers itself at its start and every few seconds from then on; it counts as ended when it has not for
/// ``life``, by the clock of Redis. One of those that live is elected to export the metrics of the whole deployment.
package struct ProcessRegistry: Sendable {
    /// How long a process lives after it has said that it does.
    package static let life = Duration.seconds(15)
    /// How often it says so.
    package static let interval = Duration.seconds(3)

    /// What a process learns when it says that it lives.
    package struct Heartbeat: Sendable, Equatable {
        /// The format of the store by now; nil: it has none any more.
        package let format: Int?
        package let isExporter: Bool
    }

    package struct Entry: Sendable, Equatable {
        package let process: RegisteredProcess
        package let isExporter: Bool
        /// Since it last said that it lives, whole milliseconds.
        package let silentFor: Duration
    }

    package enum FormatRaise: Sendable, Equatable {
        case raised
        /// The store has the format already, or a newer one.
        case kept(Int)
        /// These processes do not understand it: nothing was changed.
        case refused(processes: [String])
    }

    private let runner: ScriptRunner

    init(runner: ScriptRunner) {
        self.runner = runner
    }

    /// The registry in a Redis, for a caller that opens no store.
    package init(on client: RedisClient) {
        self.runner = ScriptRunner(client: client, clock: .redis)
    }

    /// Registers a process, or says that it still lives.
    package func beat(_ process: RegisteredProcess) async throws(StoreError) -> Heartbeat {
        var call = self.runner.call(
            Scripts.processBeat,
            keys: [KeySpace.processes, KeySpace.processExpiries, KeySpace.exporter, KeySpace.format])
        call.append(process.id)
        call.append(process.record)
        call.append(Int64(Self.life / .milliseconds(1)))
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.processBeat)
        return Heartbeat(format: Int(try reply.text()), isExporter: try reply.int() == 1)
    }

    /// Unregisters a process that ends.
    package func leave(_ id: String) async throws(StoreError) {
        var call = self.runner.call(
            Scripts.processLeave, keys: [KeySpace.processes, KeySpace.processExpiries, KeySpace.exporter])
        call.append(id)
        _ = try await self.runner.run(call)
    }

    /// The processes that live, by role and id.
    package func list() async throws(StoreError) -> [Entry] {
        let call = self.runner.call(
            Scripts.processList, keys: [KeySpace.processes, KeySpace.processExpiries, KeySpace.exporter])
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.processList)
        let (now, exporter) = (try reply.timestamp(), try reply.text())
        var entries: [Entry] = []
        while !reply.isAtEnd {
            let (id, end) = (try reply.text(), try reply.timestamp())
            guard let process = RegisteredProcess(id: id, record: try reply.bytes()) else {
                throw .corrupt("the record of a process was not written by Herald")
            }
            let left = Duration.milliseconds(end.milliseconds - now.milliseconds)
            entries.append(
                Entry(process: process, isExporter: id == exporter, silentFor: max(.zero, Self.life - left)))
        }
        return entries.sorted { ($0.process.role.rawValue, $0.process.id) < ($1.process.role.rawValue, $1.process.id) }
    }

    /// Raises the format of the store, if every living process understands the new one.
    ///
    /// A process that said nothing for ``life`` is not asked; it meets the new format at its next heartbeat.
    package func raiseFormat(to format: Int) async throws(StoreError) -> FormatRaise {
        var call = self.runner.call(
            Scripts.formatRaise, keys: [KeySpace.format, KeySpace.processes, KeySpace.processExpiries])
        call.append(format)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.formatRaise)
        switch try reply.text() {
        case "raised": return .raised
        case "kept": return .kept(try reply.int())
        case "refused":
            var processes: [String] = []
            while !reply.isAtEnd { processes.append(try reply.text()) }
            return .refused(processes: processes)
        case "absent": throw .corrupt("\(KeySpace.format.text) is not there")
        case let answer: throw .corrupt("format_raise.lua answered \(answer)")
        }
    }
}

extension Store {
    /// The processes of the deployment, where this is the control store.
    package var processes: ProcessRegistry { ProcessRegistry(runner: self.runner) }
}
