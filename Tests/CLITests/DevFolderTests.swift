import CLI
import Foundation
import Settings
import Signing
import TestKit
import Testing

struct DevFolderTests {
    /// Opens a folder whose lock was given up: a process that another test starts meanwhile has it until it runs its program.
    private static func reopened(_ folder: DevFolder) async throws -> DevLock {
        for _ in 0..<200 {
            if let lock = try? await folder.open() { return lock }
            try await Task.sleep(for: .milliseconds(10))
        }
        return try await folder.open()
    }

    @Test
    func `Keys are made once, kept, and readable by their owner only`() async throws {
        try await withTemporaryFolder { top in
            let folder = DevFolder(top.appendingPathComponent("a/b"))
            var first: [String] = []
            do {
                let lock = try await folder.open()
                first = try [folder.masterKey, folder.signedURLKey].map { try String(contentsOf: $0, encoding: .utf8) }
                withExtendedLifetime(lock) {}
            }
            let lock = try await Self.reopened(folder)
            let second = try [folder.masterKey, folder.signedURLKey].map { try String(contentsOf: $0, encoding: .utf8) }
            #expect(first == second)
            #expect(Set(first).count == 2)
            _ = try MasterKey(first[0].trimmingCharacters(in: .whitespacesAndNewlines))
            for (file, mode) in [(folder.masterKey, 0o600), (folder.signedURLKey, 0o600), (folder.url, 0o700)] {
                let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
                #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode)
            }
            withExtendedLifetime(lock) {}
        }
    }

    @Test
    func `A second deployment in the folder is refused, and welcome once the first is gone`() async throws {
        try await withTemporaryFolder { top in
            let folder = DevFolder(top)
            do {
                let lock = try await folder.open()
                await #expect {
                    try await folder.open()
                } throws: { error in
                    "\(error)".hasPrefix("another herald dev runs in \(folder.url.path)")
                }
                withExtendedLifetime(lock) {}
            }
            // A process that another test is starting just now may hold our descriptor until it is there.
            let reopened = try await eventually { (try? await folder.open()) != nil ? true : nil }
            #expect(reopened == true)
        }
    }

    @Test
    func `A folder that only the child of a killed herald dev holds is waited for`() async throws {
        try await withTemporaryFolder { top in
            let folder = DevFolder(top)
            let child: Child
            do {
                // A child that holds the lock, and outlives the process that took it.
                let lock = try await folder.open()
                child = try Child(
                    "sleep", executable: URL(fileURLWithPath: "/bin/sleep"), arguments: ["60"], environment: [:],
                    keeping: lock.descriptor, onLine: { _ in })
            }
            try Data("\(Int32.max)\n".utf8).write(to: top.appendingPathComponent("lock"))
            async let second = folder.open()
            await child.stop(within: .seconds(10))
            withExtendedLifetime(try await second) {}
        }
    }

    @Test
    func `A folder whose lock a living process has signed is refused at once`() async throws {
        try await withTemporaryFolder { top in
            let folder = DevFolder(top)
            let lock = try await folder.open()
            #expect(try String(contentsOf: top.appendingPathComponent("lock"), encoding: .utf8) == "\(getpid())\n")
            await #expect(throws: (any Error).self) { try await folder.open() }
            withExtendedLifetime(lock) {}
        }
    }

    @Test
    func `The usual folder follows the XDG specification`() {
        #expect(DevFolder.usual(environment: ["XDG_STATE_HOME": "/state"]).url.path == "/state/herald/dev")
        #expect(DevFolder.usual(environment: [:]).url.path.hasSuffix("/.local/state/herald/dev"))
        #expect(
            DevFolder.usual(environment: ["XDG_STATE_HOME": "relative"]).url.path.hasSuffix("/.local/state/herald/dev"))
    }

    @Test
    func `A record speaks for a deployment only while its process lives`() async throws {
        try await withTemporaryFolder { top in
            let folder = DevFolder(top)
            #expect(DevRecord.running(in: folder) == nil)
            let own = DevRecord(pid: getpid(), url: "http://127.0.0.1:1", children: [:])
            try own.write(to: folder)
            #expect(DevRecord.running(in: folder) == own)
            try DevRecord(pid: Int32.max, url: "http://127.0.0.1:1", children: [:]).write(to: folder)
            #expect(DevRecord.running(in: folder) == nil)
        }
    }

    @Test
    func `The processes that a killed deployment left are ended, and no others`() async throws {
        try await withTemporaryFolder { top in
            let folder = DevFolder(top)
            let sleep = URL(fileURLWithPath: "/bin/sleep")
            let ours = try Child(
                "sleep", executable: sleep, arguments: ["60"], environment: ["FOLDER": folder.url.path],
                onLine: { _ in })
            let other = try Child("sleep", executable: sleep, arguments: ["60"], environment: [:], onLine: { _ in })
            try DevRecord(pid: 1, url: "", children: ["sleep": ours.id]).write(to: folder)
            await DevRecord.endLeftOvers(in: folder)
            #expect(await ours.waitForExit() == .signal(SIGTERM))
            try DevRecord(pid: 1, url: "", children: ["sleep": other.id]).write(to: folder)
            await DevRecord.endLeftOvers(in: folder)
            #expect(other.exit == nil)
            await other.stop(within: .seconds(10))
        }
    }

    @Test
    func `The settings of the deployment replace those of the shell, in both spellings`() {
        let made = DevEnvironment.make(
            from: [
                "PATH": "/bin", "HERALD_MASTER_KEY": "theirs", "HERALD_REDIS_URL_FILE": "/theirs",
                "HERALD_NOTIFIER_LEASE": "9",
            ],
            settings: [Setting.redisURL: "unix:///ours"], secretFiles: [Setting.masterKey: "/ours"])
        #expect(
            made == [
                "PATH": "/bin", "HERALD_REDIS_URL": "unix:///ours", "HERALD_MASTER_KEY_FILE": "/ours",
                "HERALD_NOTIFIER_LEASE": "9",
            ])
    }
}
