package import Domain
import HTTPClient
import JSON
import NIOCore

/// Trusts (Identity API v3, OS-TRUST), of which the user that Herald is at Keystone is the trustee.
///
/// | call | asks with | Keystone permits it to |
/// |---|---|---|
/// | make a trust | the trustor's token | the trustor, unless the token was delegated itself |
/// | look at one | the service token | trustor and trustee |
/// | get a token by one | user and password | the trustee |
/// | remove one | the trustor's token, or the service token | the trustor and administrators |
extension KeystoneClient {
    /// How often a trust is asked for whose end is that of another one.
    private static let attemptsMax = 5
    /// Characters of what Keystone says of a refusal.
    private static let reasonMax = 200

    /// Looks at a token by itself, which needs no role.
    ///
    /// - Returns: nil for a token that does not hold.
    package func validateByItself(_ token: KeystoneToken) async throws(KeystoneTrouble) -> ValidatedToken? {
        let response = try await self.exchange(
            .get, self.account.url.tokens, headers: Self.validation(of: token, by: token), until: self.deadline)
        switch response.status {
        case 200: return try Self.validated(response)
        case 401, 403, 404: return nil
        case let status: throw .status(status)
        }
    }

    /// Makes a trust for the user, the project and the roles of a token.
    ///
    /// - Parameters:
    ///   - trustor: What Keystone says of the token.
    ///   - end: When the trust ends.
    package func makeTrust(
        with token: KeystoneToken, of trustor: ValidatedToken, until end: Timestamp
    ) async throws(KeystoneTrouble) -> TrustCreation {
        let deadline = self.deadline
        let trustee = try await self.ownUser(until: deadline)
        for attempt in 1... {
            // One that may have arrived is not sent again: there would be two trusts, and one of them unknown.
            let response = try await self.exchange(
                .post, self.account.url.trusts, headers: ["X-Auth-Token: \(token.text)"],
                body: Self.trust(of: trustor, trustee, until: end), isRepeatable: false, until: deadline)
            switch response.status {
            case 201:
                guard response.isBodyWhole, let trust = Trust(document: response.body) else { throw .unreadable }
                return .created(trust.id)
            case 409 where attempt < Self.attemptsMax: break
            case 400, 401, 403, 404, 409: return .refused(Self.reason(response))
            case let status: throw .status(status)
            }
        }
        throw .unreadable
    }

    private static func trust(
        of trustor: ValidatedToken, _ trustee: String, until end: Timestamp
    ) -> ByteBuffer {
        // Keystone takes no two trusts of one user, project and end.
        let fraction = CalendarTime.digits(Int64.random(in: 0..<1_000_000), 6)
        return JSONWriter.object { document in
            document.object("trust") { trust in
                trust.member("trustor_user_id", trustor.user)
                trust.member("trustee_user_id", trustee)
                trust.member("project_id", trustor.project)
                trust.member("impersonation", true)
                trust.array("roles") { roles in
                    for name in trustor.roleNames { roles.object { $0.member("name", name) } }
                }
                trust.member("expires_at", "\(CalendarTime(seconds: end.seconds).text).\(fraction)Z")
            }
        }
    }

    /// - Returns: nil: there is none of the id that the user that Herald is may see.
    package func trust(_ id: TrustID) async throws(KeystoneTrouble) -> Trust? {
        guard let url = self.account.url.trust(id) else { return nil }
        let response = try await self.asService(until: self.deadline) { service, deadline throws(KeystoneTrouble) in
            try await self.exchange(.get, url, headers: ["X-Auth-Token: \(service.text)"], until: deadline)
        }
        switch response.status {
        case 200:
            guard response.isBodyWhole, let trust = Trust(document: response.body) else { throw .unreadable }
            return trust
        case 403, 404: return nil
        case let status: throw .status(status)
        }
    }

    /// Whether the user that Herald is at Keystone is the trustee of a trust.
    package func isTrustee(of trust: Trust) async throws(KeystoneTrouble) -> Bool {
        try await self.ownUser(until: self.deadline) == trust.trustee
    }

    /// Gets a token by a trust.
    ///
    /// - Parameter owner: Requests of one owner do not delay those of another.
    /// - Returns: nil: the trust is over, or its trustor may not do any more what it permits.
    package func token(by trust: TrustID, owner: String) async throws(KeystoneTrouble) -> TrustToken? {
        let deadline = self.deadline
        let response = try await self.exchange(
            .post, self.account.url.tokens, body: self.account.login(by: trust), owner: owner, until: deadline)
        switch response.status {
        case 201:
            let (token, validated) = try Self.loggedIn(response)
            return TrustToken(token: token, expiry: validated.expiry)
        case 401:
            // The trust is refused, or the user that asks for it, which a service token that holds tells apart.
            let service = try await self.serviceToken(until: deadline)
            if try await self.validateByItself(service) == nil {
                _ = try await self.serviceToken(replacing: service, until: deadline)
            }
            return nil
        case 400, 403, 404: return nil
        case let status: throw .status(status)
        }
    }

    /// Removes a trust.
    ///
    /// - Parameters:
    ///   - token: The trustor's; nil: it is asked for with the service token.
    ///   - limit: How long it may take; nil: as long as any call.
    /// - Returns: False: Keystone does not permit it.
    package func removeTrust(
        _ id: TrustID, with token: KeystoneToken? = nil, within limit: Duration? = nil
    ) async throws(KeystoneTrouble) -> Bool {
        guard let url = self.account.url.trust(id) else { return true }
        let deadline = min(self.deadline, .now + (limit ?? .seconds(60)))
        let status: Int
        if let token {
            status = try await self.exchange(
                .delete, url, headers: ["X-Auth-Token: \(token.text)"], until: deadline
            ).status
        } else {
            status = try await self.asService(until: deadline) { service, deadline throws(KeystoneTrouble) in
                try await self.exchange(.delete, url, headers: ["X-Auth-Token: \(service.text)"], until: deadline)
            }.status
        }
        switch status {
        case 204, 404: return true
        case 401, 403: return false
        case let status: throw .status(status)
        }
    }

    /// What Keystone says of a refusal, for the caller it refused: `{"error": {"message": …}}`.
    private static func reason(_ response: HTTPClientResponse) -> String {
        guard let document = try? JSONObject(document: response.body),
            let error = document["error"].flatMap(document.object),
            let message = error["message"].flatMap(error.text)
        else { return "status \(response.status)" }
        return String(message.prefix(Self.reasonMax).map { $0.isNewline ? " " : $0 })
    }
}
