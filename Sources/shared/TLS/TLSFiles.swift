import Glibc

/// Where certificates and keys are: paths of PEM files.
package struct TLSFiles: Sendable, Equatable {
    /// One of the files.
    package enum Part: Sendable, CaseIterable {
        /// The own certificate, and behind it those between it and its authority.
        case certificate
        /// The private key of the certificate.
        case key
        /// Certificates of the authorities that may sign that of a peer.
        case authorities
    }

    /// Bytes of a file; the certificates of a whole system have a quarter of it.
    private static let bytesMax = 1 << 20

    package var certificate: String?
    package var key: String?
    package var authorities: String?

    package init(certificate: String? = nil, key: String? = nil, authorities: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.authorities = authorities
    }

    /// Of the files that are given.
    package var paths: [String] { Part.allCases.compactMap { self[$0] } }

    package subscript(part: Part) -> String? {
        switch part {
        case .certificate: self.certificate
        case .key: self.key
        case .authorities: self.authorities
        }
    }

    /// The bytes of a file that is given.
    func read(_ part: Part) throws(TLSFileFault) -> [UInt8] {
        guard let path = self[part] else { throw TLSFileFault(part, path: "", "is not given") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TLSFileFault(part, path: path, "cannot be read (\(Self.systemError))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= Self.bytesMax {
            var result = 0
            let part16K = [UInt8](unsafeUninitializedCapacity: 16_384) { part, count in
                result = Glibc.read(descriptor, part.baseAddress, part.count)
                count = max(0, result)
            }
            guard result >= 0 else { throw TLSFileFault(part, path: path, "cannot be read (\(Self.systemError))") }
            guard !part16K.isEmpty else { break }
            bytes += part16K
        }
        guard !bytes.isEmpty else { throw TLSFileFault(part, path: path, "is empty") }
        guard bytes.count <= Self.bytesMax else {
            throw TLSFileFault(part, path: path, "has more than \(Self.bytesMax) bytes")
        }
        return bytes
    }

    private static var systemError: String { String(cString: strerror(errno)) }
}

/// Why a file of certificates or keys cannot be used.
package struct TLSFileFault: Error, Sendable, Equatable, CustomStringConvertible {
    package let part: TLSFiles.Part
    package let path: String
    /// Words that follow the path.
    package let reason: String

    init(_ part: TLSFiles.Part, path: String, _ reason: String) {
        self.part = part
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(self.path) \(self.reason)" }
}
