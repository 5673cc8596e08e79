import CCurl

/// The addresses of a host as `CURLOPT_RESOLVE` has them, made once and given with many transfers.
///
/// Used by the transfer thread only. A transfer that was given it keeps it alive, since libcurl does not copy it.
final class AddressList {
    let addresses: [String]
    /// nil when there was no memory.
    let list: UnsafeMutablePointer<curl_slist>?
    /// When a transfer began with which libcurl is known to have read it, ms; nil: it has not, or may have lost it.
    var readAt: Int64?

    init(_ addresses: [String], of host: HostName) {
        self.addresses = addresses
        // The plus: what libcurl knew of this host before is replaced, and this is forgotten in its time.
        self.list = curl_slist_append(nil, "+\(host.key):\(addresses.joined(separator: ","))")
    }

    deinit {
        curl_slist_free_all(self.list)
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
