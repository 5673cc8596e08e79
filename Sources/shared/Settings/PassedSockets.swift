import Foundation

/// Sockets that the service manager listens on and has passed to this process: socket activation, sd_listen_fds(3).
///
/// ```
/// LISTEN_PID=4711  LISTEN_FDS=2  LISTEN_FDNAMES=api.listen:api.admin.listen        descriptors 3 and 4
/// ```
///
/// The name of each, `FileDescriptorName=` of a socket unit, is that of the setting whose address it takes the place of.
struct PassedSockets: Sendable {
    /// The first that is passed, `SD_LISTEN_FDS_START`.
    private static let first: Int32 = 3
    /// More than a process has addresses to listen on.
    private static let most = 16

    let addresses: [Setting: ListenAddress]

    /// - Throws: ``SettingError/socket(_:reason:)`` for one that cannot be used: it would get connections that are not accepted.
    init(_ environment: [String: String], for process: ProcessKind) throws(SettingError) {
        // The variables are inherited by children, the sockets are not.
        guard let id = environment["LISTEN_PID"], Int32(id) == getpid(), let text = environment["LISTEN_FDS"] else {
            self.addresses = [:]
            return
        }
        guard let count = Int(text), (0...Self.most).contains(count) else {
            throw .socket("LISTEN_FDS", reason: "cannot be: '\(text)' is no number from 0 to \(Self.most)")
        }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        let settings = SettingCatalog.settings(of: process).filter { $0.shape == .address }
        var addresses: [Setting: ListenAddress] = [:]
        for index in 0..<count {
            let name = index < names.count ? String(names[index]) : ""
            guard let setting = settings.first(where: { $0.name == name }) else {
                throw .socket(
                    name,
                    reason: "has no name of a listener; FileDescriptorName= of its socket unit has to be one of "
                        + settings.map(\.name).joined(separator: ", "))
            }
            guard addresses[setting] == nil else { throw .socket(name, reason: "is there twice") }
            addresses[setting] = try Self.address(of: Self.first + Int32(index), name)
        }
        self.addresses = addresses
    }

    private static func address(of descriptor: Int32, _ name: String) throws(SettingError) -> ListenAddress {
        var (isListening, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening == 1 else {
            throw .socket(name, reason: "is no socket that listens for streams")
        }
        var (storage, size) = (sockaddr_storage(), socklen_t(MemoryLayout<sockaddr_storage>.size))
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let isNumeric = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &size) == 0
                    && [sa_family_t(AF_INET), sa_family_t(AF_INET6)].contains(address.pointee.sa_family)
                    && getnameinfo(
                        address, size, &host, socklen_t(host.count), &port, socklen_t(port.count),
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0
            }
        }
        guard isNumeric, let number = Int(Self.text(port)) else {
            throw .socket(name, reason: "is no socket of IPv4 or IPv6")
        }
        // No child of this process gets it.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return ListenAddress(host: Self.text(host), port: number, descriptor: descriptor)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
