import CCurl

/// The addresses of a host as `CURLOPT_RESOLVE` has them, made once and given with many transfers.
///
/// Used by the transfer thread only. A transfer that was given it keeps it alive, since libcurl does not copy it.
package final class AddressList {
    let addresses: [String]
    /// nil when there was no memory.
    let list: UnsafeMutablePointer<curl_slist>?
    /// When the last transfer began with which libcurl is known to have read it, ms; nil: none has.
    private var readAt: Int64?

    /// For so long libcurl is not given again what it has read, ms.
    package static let readMilliseconds: Int64 = 1000

    package init(_ addresses: [String], of host: HostName) {
        self.addresses = addresses
        // The plus: what libcurl knew of this host before is replaced, and this ends with its time to live.
        self.list = curl_slist_append(nil, "+\(host.key):\(addresses.joined(separator: ","))")
    }

    deinit {
        curl_slist_free_all(self.list)
    }

    /// A transfer that was given the list.
    ///
    /// Only such a one can tell that libcurl has read it.
    package struct Given {
        fileprivate let list: AddressList
        fileprivate let begunAt: Int64

        /// The transfer goes out, so it has been through its start, where libcurl reads what it is given.
        package func wasRead() {
            self.list.readAt = max(self.list.readAt ?? self.begunAt, self.begunAt)
        }
    }

    /// Gives the list to a transfer that begins; nil: libcurl has read it lately.
    ///
    /// - Parameters:
    ///   - now: ms.
    ///   - again: libcurl has to read it, whatever it knows.
    package func give(now: Int64, again: Bool = false) -> Given? {
        if !again, let readAt = self.readAt, now - readAt < Self.readMilliseconds { return nil }
        return Given(list: self, begunAt: now)
    }
}

/// The lists of the hosts that requests went to lately.
struct AddressLists {
    private var lists: [String: AddressList] = [:]

    /// The list of these addresses, a new one only when they differ from those of the last time.
    mutating func list(of host: HostName, _ addresses: [String]) -> AddressList {
        if let known = self.lists[host.key], known.addresses == addresses { return known }
        // All of it can be made again, and then not soon again.
        if self.lists.count >= NameTable.namesMax { self.lists = [:] }
        let list = AddressList(addresses, of: host)
        self.lists[host.key] = list
        return list
    }
}
