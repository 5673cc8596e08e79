import CEpoll
import Foundation
import Glibc
import NIOConcurrencyHelpers
import TestKit

/// A listener on 127.0.0.1 whose queue is full: the kernel answers no caller until it serves.
final class FullListener: Sendable {
    struct NotMade: Error {}

    let port: Int
    private let listener: Int32
    private let first: Int32

    init() throws {
        let listener = socket(AF_INET, cepoll_socket_stream, 0)
        let first = socket(AF_INET, cepoll_socket_stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isMade = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                // A queue for 0 takes one.
                bind(listener, raw, length) == 0 && listen(listener, 0) == 0 && getsockname(listener, raw, &length) == 0
                    && connect(first, raw, length) == 0
            }
        }
        guard isMade else { throw NotMade() }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        self.listener = listener
        self.first = first
    }

    /// Answers 204 to each request from now on.
    func serve() {
        let listener = self.listener
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                var bytes = [UInt8](repeating: 0, count: 4096)
                // The first connection sends nothing until it ends.
                if recv(connection, &bytes, bytes.count, 0) > 0 {
                    let answer = Array("HTTP/1.1 204 Status\r\n\r\n".utf8)
                    _ = send(connection, answer, answer.count, 0)
                }
                close(connection)
            }
        }
        close(self.first)
    }

    func end() {
        // Wakes the thread that accepts.
        shutdown(self.listener, Int32(SHUT_RDWR))
        close(self.listener)
    }
}
