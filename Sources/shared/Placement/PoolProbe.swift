package import Domain
import NIOCore
package import Redis
import Store

/// Why a Redis cannot be a pool.
package enum PoolUnusable: Error, Sendable, Equatable {
    case unreachable
    /// It answers, and is of no use; in words for an operator.
    case unfit(String)
}

extension PoolDirectory {
    /// How long a Redis may take to answer before it counts as unreachable (docs/api.md, "Pools and flavors").
    private static let probeTime = Duration.seconds(2)

    /// Learns whether a Redis can be a pool of this deployment: it answers, does not evict, and has as many shards.
    ///
    /// - Parameter isDurable: An administrator says that it keeps what it acknowledges, which it does with its
    ///   append-only file only.
    /// - Returns: What it promises.
    package func probe(
        _ target: RedisURL, isDurable: Bool
    ) async throws(PoolUnusable) -> PoolCapabilities {
        let connector = RedisConnector(
            to: target, tls: self.settings.tls, eventLoopGroup: self.settings.eventLoopGroup,
            logger: self.settings.logger)
        do {
            try await connector.probe(
                within: TimeAmount(Self.probeTime), on: self.settings.eventLoopGroup.next())
        } catch {
            throw .unreachable
        }
        let redis = RedisClient(
            url: target, tls: self.settings.tls, connections: 1, deadline: Self.probeTime,
            reach: self.defaultStore.reach, eventLoopGroup: self.settings.eventLoopGroup, logger: self.settings.logger)
        let answer: Result<PoolCapabilities, PoolUnusable>
        do throws(PoolUnusable) {
            answer = .success(try await self.probe(redis, isDurable: isDurable))
        } catch {
            answer = .failure(error)
        }
        await redis.shutDown()
        return try answer.get()
    }

    private func probe(_ redis: RedisClient, isDurable: Bool) async throws(PoolUnusable) -> PoolCapabilities {
        let store: Store
        do throws(RedisError) { _ = try await redis.send(RedisCommand("PING")) } catch { throw .unreachable }
        do throws(StoreOpeningError) {
            store = try await self.defaultStore.open(on: redis, logger: self.settings.logger)
        } catch {
            if case .unavailable = error { throw .unreachable }
            throw .unfit("\(error)")
        }
        guard isDurable else { return .redis }
        do throws(StoreError) {
            return try await store.figures().isAppendOnly ? PoolCapabilities.redis.union(.durability) : .redis
        } catch {
            throw .unreachable
        }
    }
}

extension PoolDirectory {
    /// Every Redis that holds queues, for ``DeploymentExporter``; all are opened at once that are not open.
    package func measured() async -> [MeasuredStore] {
        await withTaskGroup(of: MeasuredStore.self) { group in
            for endpoint in self.watch.endpoints.endpoints {
                group.addTask {
                    guard let pool = endpoint.pools.first else { return MeasuredStore(endpoint: endpoint, store: nil) }
                    do throws(StoreError) {
                        return MeasuredStore(endpoint: endpoint, store: try await self.unregistered(pool))
                    } catch {
                        return MeasuredStore(endpoint: endpoint, store: nil)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}
