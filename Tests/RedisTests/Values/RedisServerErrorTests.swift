import Redis
import Testing

struct RedisServerErrorTests {
    @Test(
        arguments: [
            ("NOSCRIPT No matching script. Please use EVAL.", RedisServerError.Kind.noscript),
            ("READONLY You can't write against a read only replica.", .readonly),
            ("LOADING Redis is loading the dataset in memory", .loading),
            ("OOM command not allowed when used memory > 'maxmemory'.", .oom),
            ("MOVED 3999 127.0.0.1:6381", .moved),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", .wrongtype),
            ("BUSY Redis is busy running a script.", .busy), ("NOAUTH Authentication required.", .noauth),
            ("WRONGPASS invalid username-password pair or user is disabled.", .noauth),
            ("WRONGTYPE Operation against a key script: 6b1b, on @user_script:1.", .wrongtype),
            (
                "ERR Error running script (call to f_6b1b): @user_script:1: WRONGTYPE Operation against a key",
                .wrongtype
            ),
            ("ERR Error running script (call to f_6b1b): @user_script: 12: -OOM command not allowed", .oom),
            ("ERR Error running script (call to f_6b1b): @user_script:1: user_script:1: oops", .other),
            ("ERR unknown command 'NOSCRIPT'", .other), ("OOMPH", .other), ("", .other),
        ])
    func `The kind of an error is its first word, in and outside of scripts`(
        message: String, kind: RedisServerError.Kind
    ) {
        let error = RedisServerError(message: message)
        #expect(error.kind == kind)
        #expect(error.message == message)
    }
}
