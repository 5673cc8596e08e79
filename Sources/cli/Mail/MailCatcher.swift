import HTTPServer
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Takes the mail of a development deployment: an SMTP server on loopback, and a page that shows what was sent.
package final class MailCatcher: Sendable {
    /// Mails that are kept, the latest; and their bytes.
    package static let mailsMax = 200
    private static let bytesMax = 64 << 20
    /// Mails that wait for the reader of ``arrivals``; further ones are only on the page.
    private static let waitingMax = 16

    private struct Kept {
        var mails: [(number: Int, mail: CaughtMail)] = []
        var count = 0
        var bytes = 0
    }

    /// Where it takes mail: for `smtp://127.0.0.1:port`.
    package let smtpPort: Int
    /// Of the page: `http://127.0.0.1:port`.
    package let pagePort: Int
    /// Every mail, once, in the order in which they came.
    package let arrivals: AsyncStream<CaughtMail>

    private let kept: NIOLockedValueBox<Kept>

    private init(
        smtpPort: Int, pagePort: Int, arrivals: AsyncStream<CaughtMail>, kept: NIOLockedValueBox<Kept>
    ) {
        self.smtpPort = smtpPort
        self.pagePort = pagePort
        self.arrivals = arrivals
        self.kept = kept
    }

    /// Runs a catcher around `body`, on ports that are free.
    package static func run(_ body: @escaping @Sendable (MailCatcher) async throws -> Void) async throws {
        let kept = NIOLockedValueBox(Kept())
        let (arrivals, arrived) = AsyncStream.makeStream(
            of: CaughtMail.self, bufferingPolicy: .bufferingOldest(Self.waitingMax))
        let smtp = try await Self.listen { mail in
            kept.withLockedValue { Self.keep(mail, in: &$0) }
            arrived.yield(mail)
        }
        let result: Result<Void, any Error>
        do {
            result = .success(
                try await Self.serve(MailPage { kept.withLockedValue { $0.mails } }) { pagePort in
                    try await body(
                        MailCatcher(
                            smtpPort: smtp.localAddress?.port ?? 0, pagePort: pagePort, arrivals: arrivals, kept: kept))
                })
        } catch {
            result = .failure(error)
        }
        try await smtp.close()
        try result.get()
    }

    /// The mails that are kept, the oldest first; numbers count all that came, from 1.
    package var mails: [(number: Int, mail: CaughtMail)] { self.kept.withLockedValue { $0.mails } }

    private static func keep(_ mail: CaughtMail, in kept: inout Kept) {
        kept.count += 1
        kept.bytes += mail.bytes.count
        kept.mails.append((kept.count, mail))
        while kept.mails.count > 1, kept.mails.count > self.mailsMax || kept.bytes > self.bytesMax {
            kept.bytes -= kept.mails.removeFirst().mail.bytes.count
        }
    }

    private static func listen(_ onMail: @escaping @Sendable (CaughtMail) -> Void) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        IdleStateHandler(readTimeout: .seconds(300)), SMTPHandler(onMail))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    private static func serve(
        _ page: MailPage, _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let listener = HTTPListener(
            host: "127.0.0.1", port: 0, logger: Logger(label: "mail", factory: { _ in SwiftLogNoOpLogHandler() }),
            onListening: { listening.yield($0) }, respond: { .answer(page.answer(to: $0)) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            group.addTask {
                for await port in ports { return try await body(port) }
            }
            // The body ends first, or one of both fails: the other is cancelled.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// One connection of the mail catcher.
private final class SMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var session = MailCatcherSession()
    private var received = ByteBuffer()
    private let onMail: @Sendable (CaughtMail) -> Void

    init(_ onMail: @escaping @Sendable (CaughtMail) -> Void) {
        self.onMail = onMail
    }

    func channelActive(context: ChannelHandlerContext) {
        self.write(MailCatcherSession.greeting, context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = self.unwrapInboundIn(data)
        self.received.writeBuffer(&part)
        while let length = self.received.readableBytesView.firstIndex(of: 0x0A).map({
            $0 - self.received.readerIndex
        }) {
            guard let line = self.received.readBytes(length: length + 1) else { return }
            let answer = self.session.receive(line.dropLast().last == 0x0D ? line.dropLast(2) : line.dropLast())
            if let mail = answer.mail { self.onMail(mail) }
            if !answer.reply.isEmpty { self.write(answer.reply, context) }
            if answer.closes { return context.close(promise: nil) }
        }
        self.received.discardReadBytes()
        if self.received.readableBytes > MailCatcherSession.lineBytesMax {
            self.write("500 5.5.2 The line is too long\r\n", context)
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
