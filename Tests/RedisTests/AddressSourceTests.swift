import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Redis
import TestKit
import Testing

/// An address source with more than one address, as Sentinel is one: after a loss it goes on to the next.
private final class RotatingAddresses: AddressSource {
    private let addresses: [RedisEndpoint.Address]
    private let asked = NIOLockedValueBox<[ConnectionLoss?]>([])

    init(_ servers: [RedisServer]) {
        self.addresses = servers.map(\.endpoint.address)
    }

    /// The losses it was given, in order.
    var losses: [ConnectionLoss?] { self.asked.withLockedValue { $0 } }

    func address(after loss: ConnectionLoss?, on eventLoop: any EventLoop) -> EventLoopFuture<RedisEndpoint.Address> {
        self.asked.withLockedValue { $0.append(loss) }
        let last = loss?.address.flatMap { self.addresses.firstIndex(of: $0) }
        // On another loop, as the answer of another server comes.
        return MultiThreadedEventLoopGroup.singleton.next().makeSucceededFuture(
            self.addresses[last.map { ($0 + 1) % self.addresses.count } ?? 0])
    }
}

/// Never answers.
private struct SilentAddresses: AddressSource {
    func address(after loss: ConnectionLoss?, on eventLoop: any EventLoop) -> EventLoopFuture<RedisEndpoint.Address> {
        let promise = eventLoop.makePromise(of: RedisEndpoint.Address.self)
        eventLoop.scheduleTask(in: .hours(1)) { promise.fail(CancellationError()) }
        return promise.futureResult
    }
}

/// Opens sockets as `SocketTransport` does, and counts them.
private final class CountingTransport: Transport {
    private let sockets = SocketTransport()
    private let count = NIOLockedValueBox(0)

    var connections: Int { self.count.withLockedValue { $0 } }

    func connect(
        to address: RedisEndpoint.Address, within timeout: TimeAmount, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        self.count.withLockedValue { $0 += 1 }
        return self.sockets.connect(to: address, within: timeout, on: eventLoop, configure: configure)
    }
}

struct AddressSourceTests {
    private let get = RedisCommand("GET", ["key"])

    private func withTwoServers(
        _ body: (_ servers: [RedisServer], RotatingAddresses, CountingTransport, RedisClient) async throws -> Void
    ) async throws {
        try await withRedis(tcp: true) { first in
            try await withRedis(tcp: true) { second in
                try await first.command("SET", "key", "first")
                try await second.command("SET", "key", "second")
                let addresses = RotatingAddresses([first, second])
                let transport = CountingTransport()
                let client = RedisClient(
                    connector: RedisConnector(login: first.endpoint.login, addresses: addresses, transport: transport),
                    connections: 1, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
                #expect(try await client.send(self.get).text == "first")
                try await body([first, second], addresses, transport, client)
                await client.shutDown()
            }
        }
    }

    private func becomes(_ text: String, _ client: RedisClient) async throws -> Bool {
        try await eventually { () -> Bool? in
            do throws(RedisError) {
                return try await client.send(self.get).text == text ? true : nil
            } catch {
                return nil
            }
        } == true
    }

    @Test func `After a demotion the source is asked again, and the connection goes where it says`() async throws {
        try await self.withTwoServers { servers, addresses, transport, client async throws in
            try await servers[0].command("REPLICAOF", "127.0.0.1", "\(try #require(servers[1].tcpPort))")
            #expect(try await self.becomes("second", client))
            let loss = ConnectionLoss(address: servers[0].endpoint.address, reason: .notMaster)
            #expect(addresses.losses == [nil, loss])
            #expect(transport.connections == 2)
        }
    }

    @Test func `After the end of a server the source is asked again`() async throws {
        try await self.withTwoServers { servers, addresses, _, client async throws in
            await servers[0].kill()
            #expect(try await self.becomes("second", client))
            #expect(
                addresses.losses.prefix(2) == [
                    nil, ConnectionLoss(address: servers[0].endpoint.address, reason: .unreachable),
                ])
        }
    }

    @Test func `A source that does not answer leaves every command unsent, and a shutdown does not wait for it`()
        async throws
    {
        let client = RedisClient(
            connector: RedisConnector(login: RedisLogin(), addresses: SilentAddresses()),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
        await #expect(throws: RedisError.notSent(.disconnected)) { try await client.send(self.get) }
        let started = ContinuousClock.now
        await client.shutDown()
        #expect(ContinuousClock.now - started < .seconds(1))
    }
}
