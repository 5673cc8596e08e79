import Foundation
import TLS
import TestKit
import Testing

@Suite struct TLSContextTests {
    private struct Files {
        let folder: URL
        let authority: TestAuthority
        var files: TLSFiles

        func write(_ text: String, as name: String = "other") throws -> String {
            let file = self.folder.appendingPathComponent(name)
            try Data(text.utf8).write(to: file)
            return file.path
        }
    }

    private func withFiles(_ body: (inout Files) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let authority = try TestAuthority()
            let paths = try authority.issue().write(to: folder)
            var files = Files(
                folder: folder, authority: authority,
                files: TLSFiles(
                    certificate: paths.certificate, key: paths.key, authorities: try authority.write(to: folder)))
            try await body(&files)
        }
    }

    private func fault(_ files: TLSFiles) -> TLSFileFault? {
        do throws(TLSFileFault) {
            _ = try TLSContext.server(files)
            return nil
        } catch { return error }
    }

    @Test func `Certificate, key and authorities that fit are taken`() async throws {
        try await self.withFiles { files in
            let context = try TLSContext.server(files.files)
            #expect(context.warning == nil)
            let expiry = try #require(context.expiry)
            #expect(abs(Double(expiry) - Date().timeIntervalSince1970 - 3600) < 600)
        }
    }

    @Test func `A file that is not there is named with the reason`() async throws {
        try await self.withFiles { files in
            for part in TLSFiles.Part.allCases {
                var broken = files.files
                switch part {
                case .certificate: broken.certificate = "/nowhere/a.pem"
                case .key: broken.key = "/nowhere/a.pem"
                case .authorities: broken.authorities = "/nowhere/a.pem"
                }
                let fault = try #require(self.fault(broken))
                #expect(fault.part == part)
                #expect("\(fault)" == "/nowhere/a.pem cannot be read (No such file or directory)")
            }
        }
    }

    @Test func `Files that hold nothing, or something else, are refused`() async throws {
        try await self.withFiles { files in
            let empty = try files.write("", as: "empty")
            let text = try files.write("no certificate\n", as: "text")
            let cut = try files.write(String(files.authority.certificate.prefix(300)), as: "cut")
            for path in [empty, text, cut, files.folder.path] {
                var broken = files.files
                broken.certificate = path
                #expect(self.fault(broken)?.part == .certificate)
                broken = files.files
                broken.key = path
                #expect(self.fault(broken)?.part == .key)
                broken = files.files
                broken.authorities = path
                #expect(self.fault(broken)?.part == .authorities)
            }
        }
    }

    @Test func `A file that cannot be read to its end is refused with the reason`() async throws {
        try await self.withFiles { files in
            files.files.authorities = files.folder.path
            #expect(self.fault(files.files)?.reason == "cannot be read (Is a directory)")
        }
    }

    @Test func `A certificate behind one that cannot be read is missed`() async throws {
        try await self.withFiles { files in
            files.files.authorities = try files.write(
                files.authority.certificate
                    + "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n")
            #expect(self.fault(files.files)?.reason == "holds a certificate that cannot be read")
        }
    }

    @Test func `A file beyond the bound is refused`() async throws {
        try await self.withFiles { files in
            files.files.authorities = try files.write(String(repeating: "#", count: 2 << 20))
            #expect(self.fault(files.files)?.reason == "has more than 1048576 bytes")
        }
    }

    @Test func `A key of another certificate is refused`() async throws {
        try await self.withFiles { files in
            files.files.key = try files.authority.issue().write(to: files.folder, as: "other").key
            let fault = try #require(self.fault(files.files))
            #expect(fault.part == .key)
            #expect(fault.reason.hasPrefix("is not the key of the certificate in "))
        }
    }

    @Test func `A key with a passphrase is refused, and nothing asks for one`() async throws {
        try await self.withFiles { files in
            files.files.key = try files.write(
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAwAA==\n-----END ENCRYPTED PRIVATE KEY-----\n")
            #expect(self.fault(files.files)?.reason == "holds no private key that can be read without a passphrase")
        }
    }

    @Test func `An expired certificate is taken with a warning`() async throws {
        try await self.withFiles { files in
            let paths = try files.authority.issue(until: -60).write(to: files.folder)
            files.files.certificate = paths.certificate
            files.files.key = paths.key
            #expect(try TLSContext.server(files.files).warning == "has expired")
        }
    }

    @Test func `A certificate without its key is refused on either side`() async throws {
        try await self.withFiles { files in
            files.files.key = nil
            #expect(self.fault(files.files)?.part == .key)
            #expect(throws: TLSFileFault.self) { try TLSContext.client(files.files) }
        }
    }

    @Test func `A client takes a file of authorities, or those of the system`() async throws {
        try await self.withFiles { files in
            _ = try TLSContext.client(TLSFiles())
            _ = try TLSContext.client(TLSFiles(authorities: files.files.authorities))
            #expect(throws: TLSFileFault.self) { try TLSContext.client(TLSFiles(authorities: "/nowhere")) }
        }
    }
}
