import Foundation
import TestKit

/// Endpoints no server of Swift would be: ports of a Python that never accepts, has no capacity, has a certificate of its
/// own making, or answers with a gzip bomb.
struct DifficultEndpoints: Decodable, Sendable {
    /// Listens, and never accepts.
    let silent: Int
    /// Listens, with as many connections waiting as it has capacity for.
    let full: Int
    /// Speaks TLS, with a self-signed certificate.
    let selfSigned: Int
    /// Answers 200 with 10 MB of zeros, packed into 10 kB.
    let bomb: Int

    private struct NotReady: Error {}

    private static let program = """
        import gzip, json, os, socket, ssl, subprocess, sys, threading, time
        folder = sys.argv[1]
        def listener(backlog):
            server = socket.create_server(("127.0.0.1", 0), backlog=backlog)
            return server, server.getsockname()[1]
        def serve(server, answer, wrap):
            while True:
                try:
                    connection = server.accept()[0]
                    connection = wrap(connection) if wrap else connection
                    while b"\\r\\n\\r\\n" not in connection.recv(65536): pass
                    connection.sendall(answer)
                except OSError:
                    pass
        silent, full, secure, bomb = listener(100), listener(0), listener(100), listener(100)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", full[1]))
            fillers.append(filler)
        pem = os.path.join(folder, "own.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pem, "-out", pem + ".crt"],
                       check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem + ".crt", pem)
        packed = gzip.compress(bytes(10_000_000))
        head = "HTTP/1.1 200 OK\\r\\ncontent-encoding: gzip\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(packed)
        plain = b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n"
        threading.Thread(target=serve, args=(secure[0], plain, lambda c: context.wrap_socket(c, server_side=True)),
                         daemon=True).start()
        threading.Thread(target=serve, args=(bomb[0], head.encode() + packed, None), daemon=True).start()
        ready = os.path.join(folder, "ports.json")
        with open(ready + ".new", "w") as file:
            json.dump({"silent": silent[1], "full": full[1], "selfSigned": secure[1], "bomb": bomb[1]}, file)
        os.rename(ready + ".new", ready)
        time.sleep(600)
        """

    /// Runs `body` with them; they are gone afterwards.
    static func with<Result>(_ body: (DifficultEndpoints) async throws -> Result) async throws -> Result {
        try await withTemporaryFolder { folder in
            let python = try Python.start(["-c", Self.program, folder.path], in: folder)
            let result: Swift.Result<Result, any Error>
            do {
                let ports = folder.appendingPathComponent("ports.json")
                let ready = try await eventually {
                    FileManager.default.fileExists(atPath: ports.path) ? try Data(contentsOf: ports) : nil
                }
                guard let ready else { throw NotReady() }
                result = .success(try await body(try JSONDecoder().decode(Self.self, from: ready)))
            } catch {
                result = .failure(error)
            }
            python.signal(SIGKILL)
            await python.waitForExit()
            return try result.get()
        }
    }
}
