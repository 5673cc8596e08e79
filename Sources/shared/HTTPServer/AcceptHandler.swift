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
    /// Between two times at which slow requests make way before there is no space.
    private static let shedInterval = TimeAmount.milliseconds(100)

    private let core: ListenerCore
    private let loops: ListenerLoops
    /// nil for a listener that waits for descriptors.
    private let reserve: ReserveDescriptor?
    private var isShort = false
    private var shedAt = NIODeadline.distantPast

    init(_ core: ListenerCore, _ loops: ListenerLoops, reserve: ReserveDescriptor?) {
        self.core = core
        self.loops = loops
        self.reserve = reserve
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.isShort {
            self.isShort = false
            self.core.logger.notice("Accepts connections again")
        }
        let (channel, eventLoop) = (context.channel, context.eventLoop)
        if self.core.isShort {
            let handler = NIOLoopBound(self, eventLoop: eventLoop)
            self.unwrapInboundIn(data).closeFuture.hop(to: eventLoop).whenComplete { _ in handler.value.restoreReserve()
            }
        }
        let hasSpace = self.core.begin(self.unwrapInboundIn(data)) {
            eventLoop.execute { Self.setReading(true, channel) }
        }
        if !hasSpace {
            Self.setReading(false, channel)
            self.loops.shed()
        } else if self.core.isCrowded, .now() - self.shedAt >= Self.shedInterval {
            // The queue of the kernel must not fill with those that come back at once: others would not get into it.
            self.shedAt = .now()
            self.loops.shedSlow()
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            // A peer that gave up before it was accepted (ECONNABORTED), or a failure that ends the listener.
            return
        }
        if self.reserve?.release() == true {
            // The next connection takes it, at once: the queue of the kernel stays readable.
            self.core.setShort(true)
            return
        }
        if !self.isShort {
            self.isShort = true
            self.core.logger.warning("Cannot accept connections for now", metadata: ["error": "\(error)"])
            self.loops.shed()
        }
        let channel = context.channel
        Self.setReading(false, channel)
        // Where there is no space either, the connection that ends first goes on with it.
        let core = self.core
        context.eventLoop.scheduleTask(in: Self.pause) { if !core.isFull { Self.setReading(true, channel) } }
    }

    private func restoreReserve() {
        if self.reserve?.restore() == true { self.core.setShort(false) }
    }

    private static func setReading(_ isReading: Bool, _ channel: any Channel) {
        // A listener that is closed meanwhile accepts nothing.
        try? channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
