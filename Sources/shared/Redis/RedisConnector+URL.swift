package import Logging
package import NIOCore
package import TLS

extension RedisConnector {
    /// Leads to the Redis of a URL.
    ///
    /// - Parameters:
    ///   - tls: What connections are encrypted with where the URL says so, also those to Sentinels; nil: the authorities of the
    ///     system are believed.
    ///   - eventLoopGroup: Must outlive the connections. One of its loops carries what Sentinels say.
    package init(
        to url: RedisURL, tls: TLSContextHolder? = nil, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        let transport: any Transport = url.isEncrypted ? TLSTransport(tls ?? .ofSystem) : SocketTransport()
        let addresses: any AddressSource
        switch url.topology {
        case .server(let address): addresses = FixedAddress(address)
        case .sentinel(let hosts, let master, let login):
            addresses = SentinelSource(
                hosts, master: master, login: login, transport: transport, eventLoop: eventLoopGroup.next(),
                logger: logger)
        case .cluster(let nodes): addresses = AlternatingAddresses(nodes)
        }
        self.init(login: url.login, addresses: addresses, transport: transport)
    }
}
