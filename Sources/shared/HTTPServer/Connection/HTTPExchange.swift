package import NIOCore

/// One request on its connection, for the task that answers it.
package struct HTTPExchange: Sendable {
    private let connection: NIOLoopBound<HTTPConnection>
    private let eventLoop: any EventLoop
    /// Which request of the connection it is.
    private let number: UInt64

    init(_ connection: HTTPConnection, on eventLoop: any EventLoop, number: UInt64) {
        self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
        self.eventLoop = eventLoop
        self.number = number
    }

    /// Reads the body whole, once.
    ///
    /// A declared length is compared before a byte is read, and a caller that waits for a 100 gets it only then.
    ///
    /// - Returns: Empty without a body; nil when it is larger. What is left of it is dropped.
    /// - Throws: When the rest of it does not come, or is no body. The request is answered then, and this answer goes nowhere.
    package func body(upTo bytesMax: Int) async throws(HTTPRequestFault) -> ByteBuffer? {
        let outcome = await withUnsafeContinuation { (waiter: RequestBody.Waiter) in
            self.onLoop { $0.readBody(upTo: bytesMax, of: $1, waiter) }
        }
        return try outcome.get()
    }

    /// The address the request comes from, as proxies that are believed name it; nil for a socket without one.
    ///
    /// - Parameter head: Of this request.
    package func callerAddress(of head: HTTPRequestHead) async -> SocketAddress? {
        await withUnsafeContinuation { (waiter: UnsafeContinuation<SocketAddress?, Never>) in
            self.onLoop { connection, _ in waiter.resume(returning: connection.callerAddress(of: head)) }
        }
    }

    /// Runs what waits, and changes nothing while it does: its task is cancelled when the peer has nothing more to say or is
    /// gone, when the listener stops, and when the connection is needed for others.
    ///
    /// The request is answered all the same: a peer that closed its side may still read.
    package func whileConnected<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        let isConnected = await withUnsafeContinuation { (begun: AnswerStream.Waiter) in
            self.onLoop { begun.resume(returning: $0.beginWait(of: $1)) }
        }
        if !isConnected { withUnsafeCurrentTask { $0?.cancel() } }
        defer { self.onLoop { $0.waited(of: $1) } }
        return try await body()
    }

    /// Writes the answer, with its stream.
    func finish(_ answer: HTTPAnswer) async {
        guard let stream = answer.stream else { return self.onLoop { $0.answer(answer, to: $1) } }
        let isWanted = await withUnsafeContinuation { (begun: AnswerStream.Waiter) in
            self.onLoop { begun.resume(returning: $0.beginStream(answer, to: $1)) }
        }
        guard isWanted else { return }
        do {
            try await stream(HTTPBodyWriter(exchange: self))
            self.onLoop { $0.endStream(of: $1) }
        } catch {
            // The peer must not take a part for the whole.
            self.onLoop { $0.breakStream(of: $1) }
        }
    }

    func write(_ bytes: ByteBuffer) async throws(HTTPStreamEnded) {
        let isWritten = await withUnsafeContinuation { (waiter: AnswerStream.Waiter) in
            self.onLoop { $0.stream(bytes, of: $1, waiter) }
        }
        guard isWritten else { throw HTTPStreamEnded() }
    }

    private func onLoop(_ body: @escaping @Sendable (HTTPConnection, UInt64) -> Void) {
        if self.eventLoop.inEventLoop { return body(self.connection.value, self.number) }
        let (connection, number) = (self.connection, self.number)
        self.eventLoop.execute { body(connection.value, number) }
    }
}

/// The peer has gone, or did not read in time.
package struct HTTPStreamEnded: Error {}

/// Writes the body of an answer part after part.
package struct HTTPBodyWriter: Sendable {
    let exchange: HTTPExchange

    /// Writes a part, and returns when the connection takes the next one.
    package func write(_ bytes: ByteBuffer) async throws(HTTPStreamEnded) {
        guard bytes.readableBytes > 0 else { return }
        try await self.exchange.write(bytes)
    }
}
