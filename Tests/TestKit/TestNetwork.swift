import Foundation
import NIOConcurrencyHelpers

/// Machines of a test's own: network namespaces behind one switch, which the test process reaches too.
package final class TestNetwork: Sendable {
    private struct Machine: Sendable {
        let namespace: Namespace
        let address: String
    }

    /// Where servers may run, one each machine.
    package let hosts: [ServerHost]
    private let machines: [Machine]
    private let folder: URL
    /// The interface in the namespace of the test process, and its address.
    private let own: (interface: String, address: String)

    /// A hardware address that no machine has: what is sent there is lost without an answer.
    private static let nowhere = "02:00:00:00:00:00"
    private static let interface = "eth0"

    private init(_ machines: [Machine], own: (interface: String, address: String), folder: URL) {
        self.machines = machines
        self.own = own
        self.folder = folder
        self.hosts = machines.enumerated().map { number, machine in
            // Sentinels are compared by their ports.
            ServerHost(
                address: machine.address, entry: machine.namespace.entry,
                ports: (10_000 + 100 * number)...(10_099 + 100 * number))
        }
    }

    /// Whether there may be one: it takes root, and a kernel with bridges.
    package static func isAvailable() async -> Bool {
        do {
            try await withTemporaryFolder { folder in
                try await runShell(
                    ["ip link add name switch type bridge", "ip link add name near type veth peer name far"],
                    entry: ["unshare", "--net", "--"], in: folder)
            }
            return true
        } catch {
            return false
        }
    }

    /// Loses every packet between one machine and the others.
    ///
    /// - Parameter fromUsToo: Also those between the machine and the test process.
    package func cut(_ number: Int, fromUsToo: Bool) async throws {
        let machine = self.machines[number]
        for (other, peer) in self.machines.enumerated() where other != number {
            try await self.lose([machine.address], from: Self.interface, in: peer.namespace)
        }
        if fromUsToo { try await self.lose([machine.address], from: self.own.interface, in: nil) }
        let lost = self.machines.map(\.address).filter { $0 != machine.address }
        try await self.lose(lost + (fromUsToo ? [self.own.address] : []), from: Self.interface, in: machine.namespace)
    }

    /// Loses no more packets.
    package func heal() async throws {
        try await runShell(["ip neigh flush dev \(self.own.interface) nud permanent"], in: self.folder)
        for machine in self.machines {
            try await runShell(
                ["ip neigh flush dev \(Self.interface) nud permanent"], entry: machine.namespace.entry, in: self.folder)
        }
    }

    private func lose(_ addresses: [String], from interface: String, in namespace: Namespace?) async throws {
        try await runShell(
            addresses.map { "ip neigh replace \($0) lladdr \(Self.nowhere) nud permanent dev \(interface)" },
            entry: namespace?.entry ?? [], in: self.folder)
    }

    /// Connects machines with each other and with us.
    fileprivate static func connect(_ namespaces: [Namespace], by bridge: Namespace, in folder: URL) async throws
        -> TestNetwork
    {
        var lines = ["ip link add name switch type bridge", "ip link set switch up"]
        for (number, namespace) in namespaces.enumerated() {
            lines += [
                "ip link add name port\(number) type veth peer name \(Self.interface) netns \(namespace.id)",
                "ip link set port\(number) master switch up",
            ]
        }
        try await runShell(lines, entry: bridge.entry, in: folder)
        let (network, interface) = try await self.claimNetwork(bridge, folder)
        let machines = namespaces.enumerated().map { number, namespace in
            Machine(namespace: namespace, address: network.address(2 + number))
        }
        for machine in machines {
            try await runShell(
                [
                    "ip link set lo up", "ip address add \(machine.address)/27 dev \(Self.interface)",
                    "ip link set \(Self.interface) up",
                ], entry: machine.namespace.entry, in: folder)
        }
        return TestNetwork(machines, own: (interface, network.address(1)), folder: folder)
    }

    /// Takes one of the networks that RFC 2544 sets aside for tests: the name of our interface has its number, and there is only one of
    /// a name.
    private static func claimNetwork(
        _ bridge: Namespace, _ folder: URL
    ) async throws -> (network: Network, interface: String) {
        for attempt in 1... {
            let network = Network(number: Int.random(in: 0..<Network.count))
            let interface = "herald\(network.number)"
            do {
                try await runShell(
                    [
                        "ip link add name port type veth peer name \(interface) netns \(getpid())",
                        "ip link set port master switch up",
                    ], entry: bridge.entry, in: folder)
                try await runShell(
                    ["ip address add \(network.address(1))/27 dev \(interface)", "ip link set \(interface) up"],
                    in: folder)
                return (network, interface)
            } catch let failure as ToolFailed {
                guard failure.description.contains("File exists"), attempt < 10 else { throw failure }
            }
        }
        preconditionFailure("the loop ends by returning or throwing")
    }

    /// 32 addresses of 198.18.0.0/15.
    private struct Network {
        static let count = 1 << 12
        let number: Int

        func address(_ host: Int) -> String {
            let value = self.number * 32 + host
            return "198.\(18 + value >> 16).\(value >> 8 & 255).\(value & 255)"
        }
    }
}

/// Gives machines of one's own, and takes them away at the end.
///
/// - Parameter count: At most 29.
package func withTestNetwork<Result>(
    machines count: Int, _ body: (TestNetwork) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        var namespaces: [Namespace] = []
        let result: Result
        do {
            for _ in 0...count { namespaces.append(try await Namespace(.network, in: folder)) }
            result = try await body(
                try await .connect(Array(namespaces.dropFirst()), by: namespaces[0], in: folder))
        } catch {
            for namespace in namespaces { await namespace.end() }
            throw error
        }
        // With the last process in them interfaces go as well, and so does ours, whose other end is in one of them.
        for namespace in namespaces { await namespace.end() }
        return result
    }
}
