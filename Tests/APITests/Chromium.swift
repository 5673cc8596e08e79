import Foundation
import TestKit
import Testing

/// Debian's Chromium without a window.
enum Chromium {
    struct Picture: Decodable {
        let width: Int
        let height: Int
        /// Red, green and blue of the first pixel.
        let corner: [Int]
        /// Whether the last column is of that colour.
        let edge: Bool
        let colours: Int
    }

    private static let path = "/usr/bin/chromium"
    static let isAvailable = FileManager.default.isExecutableFile(atPath: path)

    static func picture(of page: String, width: Int, height: Int, prefersDark: Bool) async throws -> Picture {
        try await withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("page.png")
            let arguments = ["--hide-scrollbars", "--window-size=\(width),\(height)", "--screenshot=\(file.path)"]
            let browser = try Self.start(page, arguments + (prefersDark ? ["--force-dark-mode"] : []), in: folder)
            let exit = await browser.waitForExit(within: .seconds(120))
            let output = String(decoding: try Data(contentsOf: Self.log(in: folder)), as: UTF8.self)
            try #require(exit == .status(0) && FileManager.default.fileExists(atPath: file.path), "\(output)")
            let run = try await Python.run { _ in [Python.script("picture.py"), file.path] }
            return try JSONDecoder().decode(Picture.self, from: Data(run.output.utf8))
        }
    }

    /// Runs `body` while a browser has a page open.
    static func with(_ page: String, _ body: () async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            // A port of debugging keeps it open.
            let browser = try Self.start(page, ["--remote-debugging-port=0"], in: folder)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
            await browser.stop(within: .seconds(5))
            // Its own children may write for a moment longer.
            let profile = folder.appendingPathComponent("profile")
            let isRemoved = try await eventually {
                try? FileManager.default.removeItem(at: profile)
                return FileManager.default.fileExists(atPath: profile.path) ? nil : true
            }
            #expect(isRemoved == true)
            let output = (try? String(contentsOf: Self.log(in: folder), encoding: .utf8)) ?? ""
            if case .failure = outcome { Issue.record("the browser wrote: \(output)") }
            try outcome.get()
        }
    }

    private static func start(_ page: String, _ arguments: [String], in folder: URL) throws -> ChildProcess {
        try ChildProcess(
            URL(fileURLWithPath: Self.path),
            arguments: [
                // Tests may run as root, which has no sandbox.
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--user-data-dir=\(folder.appendingPathComponent("profile").path)",
            ] + arguments + [page],
            environment: ["HOME": folder.path], log: Self.log(in: folder))
    }

    private static func log(in folder: URL) -> URL { folder.appendingPathComponent("chromium.log") }
}
