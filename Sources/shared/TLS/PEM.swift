import CSSL

/// Reads what PEM files hold.
enum PEM {
    /// All certificates of a file, in their order; at least one.
    ///
    /// The caller frees them.
    static func certificates(_ files: TLSFiles, _ part: TLSFiles.Part) throws(TLSFileFault) -> [OpaquePointer] {
        let bytes = try files.read(part)
        var isWhole = false
        let certificates = self.withBIO(bytes) { bio in
            var found: [OpaquePointer] = []
            while let certificate = PEM_read_bio_X509(bio, nil, noPassphrase, nil) { found.append(certificate) }
            // The end of the file, and not a certificate that cannot be read.
            isWhole = cssl_reason(ErrorQueue.last) == PEM_R_NO_START_LINE
            return found
        }
        guard isWhole, !certificates.isEmpty else {
            certificates.forEach { X509_free($0) }
            throw TLSFileFault(
                part, path: files[part] ?? "",
                isWhole ? "holds no certificate" : "holds a certificate that cannot be read")
        }
        return certificates
    }

    /// The first private key of the file.
    ///
    /// The caller frees it.
    static func key(_ files: TLSFiles) throws(TLSFileFault) -> OpaquePointer {
        let bytes = try files.read(.key)
        guard let key = self.withBIO(bytes, { PEM_read_bio_PrivateKey($0, nil, noPassphrase, nil) }) else {
            throw TLSFileFault(
                .key, path: files.key ?? "", "holds no private key that can be read without a passphrase")
        }
        return key
    }

    private static func withBIO<Result>(_ bytes: [UInt8], _ body: (OpaquePointer?) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            ErrorQueue.clear()
            let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count))
            defer { BIO_free(bio) }
            return body(bio)
        }
    }
}

/// Where OpenSSL would ask the terminal for the passphrase of a key.
private func noPassphrase(
    _ text: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isWriting: Int32, _ data: UnsafeMutableRawPointer?
) -> Int32 { -1 }
