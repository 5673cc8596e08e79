import Domain
package import HTTPClient
import JSON
import NIOCore

/// Where Keystone is, and the user of Keystone that Herald asks it as.
package struct KeystoneAccount: Sendable {
    /// A project, or none: then its tokens are not scoped.
    package struct Project: Sendable, Equatable {
        package let name: String
        /// The name of its domain.
        package let domain: String

        package init(name: String, domain: String) {
            self.name = name
            self.domain = domain
        }
    }

    package let url: KeystoneURL
    package let user: String
    /// The name of the user's domain.
    package let userDomain: String
    package let password: String
    package let project: Project?

    package init(url: KeystoneURL, user: String, userDomain: String, password: String, project: Project?) {
        self.url = url
        self.user = user
        self.userDomain = userDomain
        self.password = password
        self.project = project
    }

    /// The body of a login (Identity API v3, "Password authentication").
    var login: ByteBuffer {
        self.login { auth in
            guard let project = self.project else { return auth.member("scope", "unscoped") }
            auth.object("scope") { scope in
                scope.object("project") { scoped in
                    scoped.member("name", project.name)
                    scoped.object("domain") { $0.member("name", project.domain) }
                }
            }
        }
    }

    /// The body of a login for the user who gave a trust (Identity API v3, OS-TRUST, "Consuming a trust").
    func login(by trust: TrustID) -> ByteBuffer {
        self.login { auth in
            auth.object("scope") { scope in
                scope.object("OS-TRUST:trust") { $0.member("id", trust.text) }
            }
        }
    }

    private func login(scope: (inout JSONObjectWriter) -> Void) -> ByteBuffer {
        JSONWriter.object { document in
            document.object("auth") { auth in
                auth.object("identity") { identity in
                    identity.member("methods", ["password"])
                    identity.object("password") { method in
                        method.object("user") { user in
                            user.member("name", self.user)
                            user.object("domain") { $0.member("name", self.userDomain) }
                            user.member("password", self.password)
                        }
                    }
                }
                scope(&auth)
            }
        }
    }
}

/// The root of an Identity API: `https://keystone.example:5000`, a path and `/v3` behind it as one likes.
package struct KeystoneURL: Sendable, Equatable {
    package let text: String
    /// Where tokens are made and validated; without the catalogue, which may have any size.
    let tokens: HTTPURL
    /// The same for tokens that may have expired.
    let expiredTokens: HTTPURL
    /// Where trusts are made.
    let trusts: HTTPURL

    /// Where one trust is; nil where that is too long.
    func trust(_ id: TrustID) -> HTTPURL? { try? HTTPURL("\(self.trusts.text)/\(id)") }

    /// - Throws: ``HTTPURLInvalid``.
    package init(_ text: String) throws(HTTPURLInvalid) {
        guard !text.contains("?"), !text.contains("#") else { throw .malformed }
        _ = try HTTPURL(text)  // Without its slashes at the end, `http://` would find a host in the path.
        var root = text[...]
        while root.last == "/" { root.removeLast() }
        if root.hasSuffix("/v3") { root.removeLast(3) }
        self.text = text
        self.trusts = try HTTPURL("\(root)/v3/OS-TRUST/trusts")
        self.tokens = try HTTPURL("\(root)/v3/auth/tokens?nocatalog")
        self.expiredTokens = try HTTPURL("\(root)/v3/auth/tokens?nocatalog&allow_expired=1")
    }
}
