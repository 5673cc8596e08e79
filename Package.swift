// swift-tools-version: 6.2
import PackageDescription

// The commit that `--version` tells. Not `Context.gitInformation`: SwiftPM keeps it with the manifest it has cached, so it would
// be that of an earlier commit. `make` and deploy/Dockerfile set it.
let commit = Context.environment["SOURCE_COMMIT"].map { $0.filter { $0.isHexDigit || $0 == "+" } } ?? ""
// The versions of the packages it is built with, which `--version` tells too; deploy/Dockerfile sets it.
let packages = (Context.environment["RESOLVED_PACKAGES"] ?? "").filter {
    $0.isLetter || $0.isNumber || " .,-_+".contains($0)
}

let package = Package(
    name: "herald",
    products: [
        .executable(name: "herald-api", targets: ["herald-api"]),
        .executable(name: "herald-notifier", targets: ["herald-notifier"]),
        .executable(name: "herald", targets: ["herald"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // shared: the modules of both processes. Imports point downwards only.
        .target(name: "Domain", dependencies: [.nio], path: "Sources/shared/Domain"),
        .target(name: "JSON", dependencies: [.nio], path: "Sources/shared/JSON"),
        .target(name: "MessagePack", dependencies: ["JSON", .nio], path: "Sources/shared/MessagePack"),
        .target(name: "Filters", dependencies: ["JSON"], path: "Sources/shared/Filters"),
        .target(name: "Cryptography", dependencies: ["COpenSSL"], path: "Sources/shared/Cryptography"),
        .target(name: "Mail", dependencies: ["Cryptography", "Domain", "JSON"], path: "Sources/shared/Mail"),
        .target(
            name: "Documents", dependencies: ["Cryptography", "Domain", "Filters", "JSON", "Mail", .nio],
            path: "Sources/shared/Documents"),
        .target(name: "Signing", dependencies: ["Cryptography", "Domain"], path: "Sources/shared/Signing"),
        .target(
            name: "HTTPClient", dependencies: ["CCurl", "CEpoll", "TLS", .logging, .nio, .nioConcurrency],
            path: "Sources/shared/HTTPClient"),
        .target(name: "TLS", dependencies: ["CSSL", .nio, .nioConcurrency], path: "Sources/shared/TLS"),
        .target(
            name: "HTTPServer",
            dependencies: ["TLS", .logging, .nio, .nioConcurrency, .nioPosix, .serviceLifecycle],
            path: "Sources/shared/HTTPServer"),
        .target(
            name: "Redis",
            dependencies: [
                "CHiredis", "Cryptography", "TLS", .nio, .nioConcurrency, .nioPosix, .logging, .serviceLifecycle,
            ],
            path: "Sources/shared/Redis"
        ),
        .target(
            name: "Store",
            dependencies: [
                "Cryptography", "Domain", "Redis", "Runtime", "Signing", .logging, .metrics, .nio, .nioConcurrency,
            ],
            path: "Sources/shared/Store",
            resources: [.embedInCode("Scripts")]
        ),
        .target(
            name: "Placement",
            dependencies: [
                "Domain", "Redis", "Runtime", "Store", "TLS", .logging, .metrics, .nio, .nioConcurrency,
                .serviceLifecycle,
            ],
            path: "Sources/shared/Placement"
        ),
        .target(
            name: "Settings",
            dependencies: [
                .argumentParser, .configuration, .yams,
            ],
            path: "Sources/shared/Settings"
        ),
        .target(
            name: "Policy", dependencies: ["Settings", .nioConcurrency, .yams], path: "Sources/shared/Policy"),
        .target(
            name: "Runtime",
            dependencies: [
                "CBuild", "HTTPServer", "Settings", "TLS", .argumentParser, .coreMetrics, .logging, .nio,
                .nioConcurrency,
                .serviceLifecycle, .unixSignals,
            ],
            path: "Sources/shared/Runtime"
        ),
        .target(
            name: "Keystone",
            dependencies: [
                "Cryptography", "Domain", "HTTPClient", "JSON", "Runtime", "Signing", "TLS", .logging, .metrics, .nio,
                .nioConcurrency,
            ],
            path: "Sources/shared/Keystone"
        ),
        .target(
            name: "Startup",
            dependencies: [
                "Cryptography", "Domain", "HTTPClient", "Keystone", "Mail", "Redis", "Runtime", "Settings", "Signing",
                "Store", .logging, .serviceLifecycle,
            ],
            path: "Sources/shared/Startup"
        ),

        // api: the operations of the messaging API, and REST in front of them.
        .target(
            name: "Operations",
            dependencies: [
                "Cryptography", "Documents", "Domain", "Filters", "HTTPClient", "Keystone", "Mail", "Placement",
                "Redis",
                "Runtime",
                "Signing", "Store", .logging, .nio, .nioConcurrency,
            ],
            path: "Sources/api/Operations"
        ),
        .target(
            name: "API",
            dependencies: [
                "Cryptography", "Documents", "Domain", "HTTPClient", "HTTPServer", "JSON", "Keystone", "Mail",
                "MessagePack", "Operations", "Placement", "Policy", "Redis", "Runtime", "Settings", "Signing",
                "Startup",
                "Store", "TLS", .argumentParser, .logging, .metrics, .nio, .nioConcurrency, .nioPosix,
                .serviceLifecycle,
            ],
            path: "Sources/api",
            exclude: ["Main", "Operations"],
            resources: [.embedInCode("OpenAPI/openapi.json"), .embedInCode("AsyncAPI/asyncapi.json")]
        ),
        .executableTarget(name: "herald-api", dependencies: ["API", .argumentParser], path: "Sources/api/Main"),

        // notifier: from an event in Redis to a webhook at its subscriber.
        .target(
            name: "Notifier",
            dependencies: [
                "CEpoll", "CESMTP", "CSpawn", "Cryptography", "Documents", "Domain", "Filters", "HTTPClient", "JSON",
                "Keystone", "Mail", "Placement", "Redis", "Runtime", "Settings", "Signing", "Startup", "Store", "TLS",
                .argumentParser, .logging, .metrics, .nio, .nioConcurrency, .nioPosix, .serviceLifecycle,
            ],
            path: "Sources/notifier",
            exclude: ["Main"]
        ),
        .executableTarget(
            name: "herald-notifier", dependencies: ["Notifier", .argumentParser], path: "Sources/notifier/Main"),

        // cli: a client of the API, and a deployment on one terminal.
        .target(
            name: "CLI",
            dependencies: [
                "Cryptography", "CSpawn", "Domain", "HTTPClient", "HTTPServer", "JSON", "Mail", "Placement", "Policy",
                "Redis",
                "Runtime",
                "Settings", "Signing", "Startup", "Store", "TLS", .argumentParser, .logging, .nio, .nioConcurrency,
                .nioPosix, .serviceLifecycle, .unixSignals, .yams,
            ],
            path: "Sources/cli",
            exclude: ["Main"]
        ),
        .executableTarget(name: "herald", dependencies: ["CLI", .argumentParser], path: "Sources/cli/Main"),

        // C: a module map and typed wrappers each; one Swift file per library owns its pointers.
        .systemLibrary(name: "CHiredis", path: "Sources/CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(
            name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSSL", path: "Sources/CSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CESMTP", path: "Sources/CESMTP", pkgConfig: "libesmtp-1.0", providers: [.apt(["libesmtp-dev"])]),
        .systemLibrary(name: "CEpoll", path: "Sources/CEpoll"),
        .systemLibrary(name: "CSpawn", path: "Sources/CSpawn"),
        .target(
            name: "CBuild", path: "Sources/CBuild",
            cSettings: [
                .define("HERALD_COMMIT", to: "\"\(commit.isEmpty ? "unknown" : commit)\""),
                .define("HERALD_PACKAGES", to: "\"\(packages)\""),
            ]),

        // benchmarks: programs that measure one module; Benchmarks/run starts them.
        .executableTarget(
            name: "redis-rate", dependencies: ["Redis", .logging, .nioPosix], path: "Benchmarks/RedisRate"),
        .executableTarget(name: "filter-rate", dependencies: ["Filters", "JSON"], path: "Benchmarks/FilterRate"),
        .executableTarget(
            name: "peers",
            dependencies: [
                "HTTPClient", "HTTPServer", "Redis", .argumentParser, .logging, .nio, .nioConcurrency, .nioHTTP1,
                .nioPosix, .serviceLifecycle, .unixSignals,
            ],
            path: "Benchmarks/Peers"
        ),

        // tests: one target a module, and whole deployments at the end.
        .target(
            name: "TestKit",
            dependencies: [
                "CSSL", "Cryptography", "Domain", "HTTPServer", "Redis", "Runtime", "Settings", "Store", "TLS",
                .argumentParser, .logging, .nio, .nioConcurrency, .nioPosix, .serviceLifecycle,
            ],
            path: "Tests/TestKit",
            exclude: ["Scripts"]
        ),
        .testTarget(name: "DomainTests", dependencies: ["Domain"]),
        .testTarget(
            name: "HTTPClientTests",
            dependencies: ["HTTPClient", "HTTPServer", "TLS", "TestKit", .logging, .nio, .serviceLifecycle]),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "HTTPServer", "TLS", "TestKit", .logging, .nio, .nioConcurrency, .nioEmbedded, .nioHTTP1, .nioPosix,
                .serviceLifecycle,
            ]),
        .testTarget(
            name: "JSONTests", dependencies: ["Documents", "Domain", "JSON", "TestKit", .nio], exclude: ["Corpus"]),
        .testTarget(name: "MessagePackTests", dependencies: ["Cryptography", "JSON", "MessagePack", "TestKit", .nio]),
        .testTarget(name: "FiltersTests", dependencies: ["Filters", "JSON", "TestKit"]),
        .testTarget(
            name: "DocumentsTests", dependencies: ["Documents", "Domain", "Filters", "JSON", "Mail", "TestKit", .nio]),
        .testTarget(name: "MailTests", dependencies: ["Domain", "JSON", "Mail", "TestKit"]),
        .testTarget(
            name: "TLSTests",
            dependencies: ["CSSL", "TestKit", "TLS", .nio, .nioConcurrency, .nioEmbedded, .nioPosix]),
        .testTarget(name: "CryptographyTests", dependencies: ["Cryptography"]),
        .testTarget(name: "SigningTests", dependencies: ["Cryptography", "Domain", "Signing"]),
        .testTarget(name: "PolicyTests", dependencies: ["Policy", "Settings", "TestKit"]),
        .testTarget(name: "SettingsTests", dependencies: ["Settings", "Startup", "TestKit"]),
        .testTarget(
            name: "KeystoneTests",
            dependencies: [
                "Domain", "HTTPClient", "JSON", "Keystone", "Runtime", "TestKit", .logging, .nio, .nioConcurrency,
            ]),
        .testTarget(
            name: "RedisTests",
            dependencies: [
                "Redis", "TLS", "TestKit", .logging, .nio, .nioPosix,
            ]),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "Cryptography", "Domain", "Redis", "Signing", "Store", "TestKit", .logging, .nio,
            ]),
        .testTarget(
            name: "PlacementTests",
            dependencies: [
                "Domain", "Placement", "Redis", "Store", "TestKit", .nio, .nioConcurrency, .nioPosix,
            ]
        ),
        .testTarget(
            name: "RuntimeTests",
            dependencies: [
                "Runtime", "Settings", "TLS", "TestKit", .argumentParser, .coreMetrics, .logging, .nio, .nioConcurrency,
                .serviceLifecycle,
            ]
        ),
        .testTarget(
            name: "APITests",
            dependencies: [
                "API", "Cryptography", "Documents", "Domain", "HTTPServer", "JSON", "Keystone", "Mail", "MessagePack",
                "Operations", "Placement", "Policy", "Redis", "Runtime", "Settings", "Signing", "Store", "TestKit",
                .logging, .nio,
                .nioConcurrency, .nioPosix, .serviceLifecycle,
            ]
        ),
        .testTarget(
            name: "NotifierTests",
            dependencies: [
                "Cryptography", "Documents", "Domain", "HTTPClient", "JSON", "Keystone", "Mail", "Notifier", "Redis",
                "Runtime", "Settings", "Signing", "Store", "TestKit", .logging, .nio, .nioConcurrency, .nioPosix,
                .serviceLifecycle,
            ]
        ),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "CLI", "Cryptography", "JSON", "Runtime", "Settings", "Signing", "TestKit", .nio, .nioConcurrency,
                .nioPosix,
            ]
        ),
        .testTarget(
            name: "DeploymentTests",
            dependencies: [
                "CLI", "Cryptography", "Domain", "herald", "herald-api", "herald-notifier", "HTTPServer", "Redis",
                "Runtime", "Settings", "Signing", "Store", "TLS", "TestKit", .logging, .nio, .nioConcurrency, .nioPosix,
                .serviceLifecycle,
            ],
            exclude: ["Clients"]
        ),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("ExistentialAny"),  // SE-0335: an existential is written `any`
            .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409: re-exposing an import is a decision
            .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444: a file imports what it uses
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461: async stays where it was called
            .treatAllWarnings(as: .error),
        ]
}

extension Target.Dependency {
    static var argumentParser: Self { .product(name: "ArgumentParser", package: "swift-argument-parser") }
    static var configuration: Self { .product(name: "Configuration", package: "swift-configuration") }
    static var logging: Self { .product(name: "Logging", package: "swift-log") }
    static var metrics: Self { .product(name: "Metrics", package: "swift-metrics") }
    static var coreMetrics: Self { .product(name: "CoreMetrics", package: "swift-metrics") }
    static var nio: Self { .product(name: "NIOCore", package: "swift-nio") }
    static var nioConcurrency: Self { .product(name: "NIOConcurrencyHelpers", package: "swift-nio") }
    static var nioEmbedded: Self { .product(name: "NIOEmbedded", package: "swift-nio") }
    static var nioHTTP1: Self { .product(name: "NIOHTTP1", package: "swift-nio") }
    static var nioPosix: Self { .product(name: "NIOPosix", package: "swift-nio") }
    static var serviceLifecycle: Self { .product(name: "ServiceLifecycle", package: "swift-service-lifecycle") }
    static var unixSignals: Self { .product(name: "UnixSignals", package: "swift-service-lifecycle") }
    static var yams: Self { .product(name: "Yams", package: "Yams") }
}
