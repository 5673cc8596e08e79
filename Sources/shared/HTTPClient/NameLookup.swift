import CEpoll
import Glibc
import NIOConcurrencyHelpers
import NIOCore

/// The threads that look names up: as many from the start to the end of the process.
///
/// The transfer thread hands a name to them only while one is free, so nothing queues here.
final class NameThreads: Sendable {
    struct Finished: Sendable {
        let name: String
        let owner: String?
        let result: NameLookup.Result
    }

    private struct State {
        var names = CircularBuffer<(name: String, owner: String?)>()
        var finished: [Finished] = []
        var isStopped = false
    }

    /// Of one thread; the resolver of the C library, with its modules, needs a fourth of it.
    private static let stackBytes = 1 << 18

    private let state = NIOLockedValueBox(State())
    private let work = ConditionLock(value: 0)
    private let lookup: @Sendable (String) -> NameLookup.Result
    private let wake: EventFD

    /// Starts the threads.
    ///
    /// - Parameter wake: Signalled when a lookup has finished.
    init(wake: EventFD, lookup: @escaping @Sendable (String) -> NameLookup.Result) throws(HTTPClientError) {
        self.wake = wake
        self.lookup = lookup
        for _ in 0..<NameTable.runningMax {
            let box = Unmanaged.passRetained(self)
            let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
                guard let raw else { preconditionFailure("the thread was started without its arguments") }
                Unmanaged<NameThreads>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }
            guard cepoll_start_thread(run, box.toOpaque(), Self.stackBytes) == 0 else {
                box.release()
                self.stop()
                throw .noThread
            }
        }
    }

    func start(_ name: String, of owner: String?) {
        self.state.withLockedValue { $0.names.append((name, owner)) }
        self.signal()
    }

    /// What has finished since the last time.
    func takeFinished() -> [Finished] {
        self.state.withLockedValue { state in
            defer { state.finished = [] }
            return state.finished
        }
    }

    /// Ends the threads, each after the lookup it is in; what has not begun is dropped.
    func stop() {
        self.state.withLockedValue { state in
            state.isStopped = true
            state.names.removeAll()
        }
        self.signal()
    }

    private func signal() {
        self.work.lock()
        self.work.unlock(withValue: 1)
    }

    private func run() {
        while true {
            self.work.lock(whenValue: 1)
            let (next, isLeft) = self.state.withLockedValue { state in
                (state.names.popFirst(), !state.names.isEmpty || state.isStopped)
            }
            let isStopped = self.state.withLockedValue { $0.isStopped }
            self.work.unlock(withValue: isLeft || isStopped ? 1 : 0)
            if isStopped { return }
            guard let next else { continue }
            let result = self.lookup(next.name)
            self.state.withLockedValue {
                $0.finished.append(Finished(name: next.name, owner: next.owner, result: result))
            }
            self.wake.signal()
        }
    }
}

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
