package import Foundation

/// A Python with what `scripts/requirements.txt` names: a virtual environment that `make test` makes.
package enum Python {
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    /// How a program ended, and what it printed on either stream.
    package struct Run: Sendable {
        package let exit: ChildProcess.Exit
        package let output: String
    }

    /// The path of a program of `Tests/TestKit/Scripts`.
    package static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Scripts/\(name)").path
    }

    /// Runs the interpreter in a folder of its own, which `arguments` gets and which is removed afterwards.
    ///
    /// - Parameter limit: When the program is killed; bounds a failing test, and says nothing about speed.
    /// - Throws: ``Missing`` when there is no interpreter.
    package static func run(
        within limit: Duration = .seconds(300), _ arguments: (_ folder: URL) throws -> [String]
    ) async throws -> Run {
        try await withTemporaryFolder { folder in
            let python = try Self.start(arguments(folder), in: folder)
            let exit = await python.waitForExit(within: limit)
            // Bytes that are no text are worth reading around.
            return Run(exit: exit, output: String(decoding: try Data(contentsOf: Self.log(in: folder)), as: UTF8.self))
        }
    }

    /// Starts the interpreter; what it prints is in the folder.
    ///
    /// - Throws: ``Missing`` when there is no interpreter.
    package static func start(_ arguments: [String], in folder: URL) throws -> ChildProcess {
        let interpreter = Self.interpreter
        guard FileManager.default.isExecutableFile(atPath: interpreter.path) else {
            throw Missing(
                description: """
                    There is no Python at \(interpreter.path). Run `make test`, or `scripts/bootstrap --tests`, or name \
                    one that has the packages of scripts/requirements.txt in HERALD_TEST_PYTHON.
                    """)
        }
        return try ChildProcess(
            interpreter, arguments: arguments, environment: ["PYTHONDONTWRITEBYTECODE": "1"], log: self.log(in: folder))
    }

    /// A file that a package brought along.
    ///
    /// - Parameter path: Behind the folder of packages; `*` stands for any part of a name.
    /// - Throws: ``Missing`` when there is none.
    static func packaged(_ path: String) throws -> URL {
        let root = self.interpreter.deletingLastPathComponent().deletingLastPathComponent()
        let pattern = root.appendingPathComponent("lib/python3*/site-packages/\(path)").path
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0, let first = found.gl_pathv?[0] else {
            throw Missing(description: "There is no \(pattern). Run `make test`, or `scripts/bootstrap --tests`.")
        }
        return URL(fileURLWithPath: String(cString: first))
    }

    private static func log(in folder: URL) -> URL { folder.appendingPathComponent("python.log") }

    private static var interpreter: URL {
        let named = ProcessInfo.processInfo.environment["HERALD_TEST_PYTHON"]
        return URL(fileURLWithPath: named ?? ".venv/bin/python").absoluteURL
    }
}
