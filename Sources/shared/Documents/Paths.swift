package import Domain

// Where things are found. Names are made of characters that need no percent-encoding.

extension QueueAddress {
    package var path: String { "/v2/queues/\(self.name.text)" }
}

extension TopicAddress {
    package var path: String { "/v2/topics/\(self.name.text)" }
}

extension PoolName {
    package var path: String { "/v2/pools/\(self.text)" }
}

extension FlavorName {
    package var path: String { "/v2/flavors/\(self.text)" }
}
