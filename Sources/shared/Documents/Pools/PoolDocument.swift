package import Domain
import JSON
package import NIOCore

/// What administrators read about pools and flavors.
package enum PoolDocument {
    /// - Parameter next: The path and query of the next page; nil behind an empty page.
    package static func page(_ pools: [StoragePool], isDetailed: Bool, next: String?) -> ByteBuffer {
        JSONWriter.object(capacity: 1024) { object in
            object.array("pools") { list in
                for pool in pools {
                    list.object { Self.write(pool, isDetailed: isDetailed, to: &$0) }
                }
            }
            object.links(next: next)
        }
    }

    package static func pool(_ pool: StoragePool, isDetailed: Bool) -> ByteBuffer {
        JSONWriter.object { Self.write(pool, isDetailed: isDetailed, to: &$0) }
    }

    /// - Parameter next: The path and query of the next page; nil behind an empty page.
    package static func page(_ flavors: [FlavorView], isDetailed: Bool, next: String?) -> ByteBuffer {
        JSONWriter.object(capacity: 1024) { object in
            object.array("flavors") { list in
                for flavor in flavors {
                    list.object { item in
                        Self.write(
                            flavor, hasPools: !flavor.pools.isEmpty, hasCapabilities: isDetailed, to: &item)
                    }
                }
            }
            object.links(next: next)
        }
    }

    package static func flavor(_ flavor: FlavorView) -> ByteBuffer {
        JSONWriter.object { Self.write(flavor, hasPools: true, hasCapabilities: true, to: &$0) }
    }

    /// The URI is written as it is: its password has to be hidden before.
    private static func write(_ pool: StoragePool, isDetailed: Bool, to object: inout JSONObjectWriter) {
        object.member("name", pool.name.text)
        object.member("href", pool.name.path)
        object.member("uri", pool.uri)
        object.member("weight", pool.weight)
        object.member("flavor", pool.label)
        if isDetailed { object.member("options", verbatim: pool.options[...]) }
    }

    private static func write(
        _ flavor: FlavorView, hasPools: Bool, hasCapabilities: Bool, to object: inout JSONObjectWriter
    ) {
        object.member("name", flavor.name.text)
        object.member("href", flavor.name.path)
        if hasPools { object.member("pool_list", flavor.pools.map(\.text)) }
        if hasCapabilities { object.member("capabilities", flavor.capabilities.names) }
    }
}
