import CEpoll
import Glibc

/// Asks the system for the addresses of a name: its hosts file and its name servers, as its configuration says.
package enum NameLookup {
    package enum Result: Sendable, Equatable {
        /// Spelled for libcurl, in the order in which they are to be tried; never empty.
        case addresses([String])
        /// There is no such name, or it has no address.
        case missing
        /// There is no answer, or none that says whether there is such a name.
        case silent
        /// No question was sent: no descriptor or memory is left.
        case unable
    }

    /// Addresses of one name that are used.
    private static let addressesMax = 16

    /// Blocks until the system has an answer, or has given up: with the usual configuration for 10 s and longer.
    package static func system(_ name: String) -> Result {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = cepoll_socket_stream
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, nil, &hints, &list)
        guard status == 0 else { return Self.failure(status) }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let info = next?.pointee, addresses.count < Self.addressesMax {
            if let text = Self.text(of: info) { addresses.append(text) }
            next = info.ai_next
        }
        return addresses.isEmpty ? .missing : .addresses(addresses)
    }

    /// What a status of `getaddrinfo` other than 0 says of the name.
    package static func failure(_ status: Int32) -> Result {
        switch status {
        case EAI_NONAME, cepoll_no_data: .missing
        case EAI_SYSTEM, EAI_MEMORY: .unable
        default: .silent
        }
    }

    private static func text(of info: addrinfo) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            info.ai_addr, info.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        guard status == 0 else { return nil }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // An address with a zone is of one link of this machine, which libcurl would not read either.
        guard !text.contains("%") else { return nil }
        return info.ai_family == AF_INET6 ? "[\(text)]" : text
    }
}
