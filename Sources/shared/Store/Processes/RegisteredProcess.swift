import Cryptography

/// A process of the deployment, as it describes itself to the others.
package struct RegisteredProcess: Sendable, Equatable {
    package enum Role: String, Sendable, CaseIterable {
        case api
        case notifier
    }

    /// 16 hexadecimal digits, drawn anew at each start.
    package let id: String
    package var role: Role
    /// As its `--version` tells it.
    package var version: String
    /// The formats of a store that it understands, see ``StoreFormat``.
    package var formats: ClosedRange<Int>
    package var host: String
    package var pid: Int
    /// Where it listens for clients and for its administrators; nil while, or where, it does not.
    package var listen: String?
    package var admin: String?
    /// Of the settings that must be the same in every process, by the name of the setting; a fingerprint does not reveal the setting.
    package var fingerprints: [String: String]

    package init(
        id: String = Self.newID(), role: Role, version: String, formats: ClosedRange<Int> = StoreFormat.understood,
        host: String, pid: Int, listen: String? = nil, admin: String? = nil, fingerprints: [String: String] = [:]
    ) {
        self.id = id
        self.role = role
        self.version = version
        self.formats = formats
        self.host = host
        self.pid = pid
        self.listen = listen
        self.admin = admin
        self.fingerprints = fingerprints
    }

    package static func newID() -> String {
        SecureRandom.bytes(8).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}

extension RegisteredProcess {
    /// Its form in Redis: `<oldest format>-<newest format> `, which `format_raise.lua` reads, then role, version, host, pid,
    /// listen, admin, and name and fingerprint of each setting, each behind its length and a colon.
    var record: [UInt8] {
        var parts = [
            self.role.rawValue, self.version, self.host, String(self.pid), self.listen ?? "", self.admin ?? "",
        ]
        for (name, fingerprint) in self.fingerprints.sorted(by: { $0.key < $1.key }) { parts += [name, fingerprint] }
        return Array("\(self.formats.lowerBound)-\(self.formats.upperBound) ".utf8)
            + RecordText.encode(parts.map { Array($0.utf8) })
    }

    /// - Returns: nil for a record that Herald has not written.
    init?(id: String, record: [UInt8]) {
        guard let blank = record.firstIndex(of: UInt8(ascii: " ")),
            let parts = RecordText.decode(Array(record[(blank + 1)...]))?.map({ String(decoding: $0, as: UTF8.self) }),
            parts.count >= 6, parts.count.isMultiple(of: 2), let role = Role(rawValue: parts[0]),
            let pid = Int(parts[3])
        else { return nil }
        let bounds = String(decoding: record[..<blank], as: UTF8.self).split(separator: "-").compactMap { Int($0) }
        guard bounds.count == 2, bounds[0] <= bounds[1] else { return nil }
        var fingerprints: [String: String] = [:]
        for index in stride(from: 6, to: parts.count, by: 2) { fingerprints[parts[index]] = parts[index + 1] }
        self.init(
            id: id, role: role, version: parts[1], formats: bounds[0]...bounds[1], host: parts[2], pid: pid,
            listen: parts[4].isEmpty ? nil : parts[4], admin: parts[5].isEmpty ? nil : parts[5],
            fingerprints: fingerprints)
    }
}
