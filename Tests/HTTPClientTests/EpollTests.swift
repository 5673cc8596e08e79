import Glibc
import HTTPClient
import TestKit
import Testing

struct EpollTests {
    @Test func `A descriptor that the kernel does not watch is not taken for a watched one`() throws {
        let epoll = try #require(Epoll())
        let event = try #require(EventFD())
        for _ in 0..<2 { #expect(epoll.watch(event.descriptor, reading: true, writing: false)) }
        // Files have no readiness: EPERM. A number that is no descriptor: EBADF.
        let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        #expect(!epoll.watch(file, reading: true, writing: false))
        #expect(!epoll.watch(-1, reading: true, writing: false))
    }
}
