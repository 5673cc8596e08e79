import Glibc

extension Timestamp {
    /// This machine's clock: for expiries of pre-signed URLs and of tokens.
    ///
    /// Messages live by Redis' clock.
    package static func ofThisMachine() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
