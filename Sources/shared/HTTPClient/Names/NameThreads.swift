import CEpoll
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
