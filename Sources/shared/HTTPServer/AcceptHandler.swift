import Glibc
import Logging
import NIOCore

/// Accepts connections while there is space and a descriptor for them, and goes on by itself.
///
/// While there is none, what wants to connect waits in the queue of the kernel. Accepting goes on trying would be a loop that
/// takes a whole core: the queue stays readable.
final class AcceptHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    /// Between two tries without a descriptor.
    private static let pause = TimeAmount.milliseconds(250)

    private let core: ListenerCore
    private let loops: ListenerLoops
    private var isShort = false

    init(_ core: ListenerCore, _ loops: ListenerLoops) {
        self.core = core
        self.loops = loops
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.isShort {
            self.isShort = false
            self.core.logger.notice("Accepts connections again")
        }
        let (channel, eventLoop) = (context.channel, context.eventLoop)
        let hasSpace = self.core.begin(self.unwrapInboundIn(data)) {
            eventLoop.execute { Self.setReading(true, channel) }
        }
        if !hasSpace {
            Self.setReading(false, channel)
            self.loops.shedIdle()
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            // A peer that gave up before it was accepted (ECONNABORTED), or a failure that ends the listener.
            return
        }
        if !self.isShort {
            self.isShort = true
            self.core.logger.warning("Cannot accept connections for now", metadata: ["error": "\(error)"])
            self.loops.shedIdle()
        }
        let channel = context.channel
        Self.setReading(false, channel)
        context.eventLoop.scheduleTask(in: Self.pause) { Self.setReading(true, channel) }
    }

    private static func setReading(_ isReading: Bool, _ channel: any Channel) {
        // A listener that is closed meanwhile accepts nothing.
        try? channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
