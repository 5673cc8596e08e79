import Documents
import HTTPServer
import JSON
import NIOCore
import Operations

/// The service itself: its documents, and whether it works.
struct ServiceHandlers: Sendable {
    let operations: Operations
    /// The home document of this deployment.
    let homeDocument: Reply

    /// `GET /`.
    ///
    /// Clients compare it field for field, the single-digit month included.
    func versions() -> Reply { Self.versions }

    private static let versions = Reply.json(
        .multipleChoices,
        JSONWriter.object { object in
            object.array("versions") { versions in
                versions.object { version in
                    version.member("id", "2")
                    version.member("status", "CURRENT")
                    version.member("updated", "2014-9-24T04:06:47Z")
                    version.array("media-types") { types in
                        types.object { type in
                            type.member("base", "application/json")
                            type.member("type", "application/vnd.openstack.messaging-v2+json")
                        }
                    }
                    version.array("links") { links in
                        links.object { link in
                            link.member("href", "/v2/")
                            link.member("rel", "self")
                        }
                    }
                }
            }
        })

    /// `GET /v2/openapi.json`.
    func openAPI() -> Reply { Self.openAPI }

    private static let openAPI = Reply.json(.ok, ByteBuffer(bytes: PackageResources.openapi_json))

    /// `GET /v2/asyncapi.json`.
    func asyncAPI() -> Reply { Self.asyncAPI }

    private static let asyncAPI = Reply.json(.ok, ByteBuffer(bytes: PackageResources.asyncapi_json))

    func ping() async throws -> Reply {
        try await self.operations.ping()
        return .empty(.noContent)
    }

    func health(_ request: ReceivedRequest) async throws -> Reply {
        .json(.ok, HealthDocument.health(try await self.operations.checkHealth(by: request.client)))
    }
}
