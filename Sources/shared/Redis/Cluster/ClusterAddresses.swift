internal import NIOCore

/// Leads one connection to the master of a slot, or to any of a cluster.
struct ClusterAddresses: AddressSource {
    let router: ClusterRouter
    let route: RedisRoute

    func address(after loss: ConnectionLoss?, on eventLoop: any EventLoop) -> EventLoopFuture<RedisEndpoint.Address> {
        eventLoop.makeFutureWithTask {
            if loss != nil || self.router.address(for: self.route) == nil { await self.router.readMap() }
            guard let address = self.router.address(for: self.route) else { throw NoMaster() }
            return address
        }
    }
}

/// No master of the cluster is known to serve what is asked for.
struct NoMaster: Error {}
