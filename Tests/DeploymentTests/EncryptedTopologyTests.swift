import Foundation
import Redis
import Settings
import TestKit
import Testing

extension OutageTests {
    /// Sentinels and clusters behind TLS; that they are replaced under load is in `SentinelFailoverTests` and `ClusterFailoverTests`.
    struct EncryptedTopologyTests {
        private static let key = String(repeating: "1a", count: 32)

        /// Has a process believe another authority than that of its Redis, and then the right one.
        ///
        /// - Parameter words: What the log says before the reason.
        private static func check(
            _ redis: RedisServer, at url: String, _ certificates: RedisCertificates, _ words: String
        ) async throws {
            let words = words + "the TLS handshake failed: "
            let wrong = try TestAuthority("Another").write(to: redis.folder)
            for kind in ProcessKind.allCases {
                // Taken when the file changes, so the right one is put there later.
                let believed = redis.folder.appendingPathComponent("believed-\(kind.rawValue).crt")
                try FileManager.default.copyItem(atPath: wrong, toPath: believed.path)
                var settings = certificates.settings
                settings[Setting.redisTLSCAFile] = believed.path
                let process = try await AskedProcess(kind, key: Self.key, redis: redis, at: url, settings)
                try await process.isNotReady(naming: "waiting for the store")
                let isSaid: Bool? = try await eventually {
                    ["self-signed certificate in certificate chain", "unable to get local issuer certificate"]
                        .contains { process.log.contains(words + $0) } ? true : nil
                }
                #expect(isSaid == true, "\(process.log)")
                #expect(process.ready == nil)
                try Data(contentsOf: URL(fileURLWithPath: certificates.authority)).write(to: believed, options: .atomic)
                try await process.isReady()
                await process.stop()
            }
        }

        @Test func `A Redis behind Sentinels whose authority is not believed is waited for, and the log says why`()
            async throws
        {
            try await withRedisCertificates { certificates in
                try await withSentinels(certificates: certificates) { sentinels async throws in
                    try await Self.check(
                        sentinels.servers[0], at: sentinels.url(), certificates, "a Sentinel cannot be asked: ")
                }
            }
        }

        @Test func `A cluster whose authority is not believed is waited for, and the log says why`() async throws {
            try await withRedisCertificates { certificates in
                try await withRedisCluster(certificates: certificates) { cluster async throws in
                    try await Self.check(cluster.masters[0], at: cluster.url, certificates, "error=")
                }
            }
        }
    }
}
