import API
import TestKit
import Testing

/// What is checked before any operation, and in which order.
struct RequestCheckTests {
    @Test func `An unknown path is 404 with a title only, whatever the headers`() async throws {
        try await withAPI { api async throws in
            let caller = HTTPCaller(api.address)
            let paths = [
                "/v2", "/v1", "/v1/queues", "/v1.1/", "/v2/nope", "/v2/queues/q/", "/v2/queues/q/nope", "/v2/ping/",
                "/V2/ping", "/v2//queues", "//", "/v2/health", "/v2/subjects", "/v2/pools",
                "/v2/queues/q/messages/1/2", "/v2/queues/q/claims/1/2", "/v2/queues/q/subscriptions/x/confirm/",
            ]
            for path in paths {
                for method in ["GET", "POST", "PATCH"] {
                    let reply = try await caller.send(method, path)
                    #expect(reply.status == 404, "\(method) \(path)")
                    #expect(reply.text == #"{"title":"404 Not Found"}"#)
                }
            }
        }
    }

    @Test func `Checks run in a fixed order, and the first that fails answers`() async throws {
        try await withAPI { api async throws in
            let caller = HTTPCaller(api.address)
            let client = ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c")
            let project = ("X-Project-Id", "p")
            let xml = ("Accept", "application/xml")
            let form = ("Content-Type", "application/x-www-form-urlencoded")
            func check(
                _ method: String, _ path: String, _ headers: [(String, String)], _ body: String? = nil, _ status: Int,
                _ title: String
            ) async throws {
                let reply = try await caller.send(method, path, headers: headers, body: body)
                #expect(reply.status == status && reply.title == title, "\(method) \(path) \(headers): \(reply)")
            }
            try await check("PUT", "/v2/queues/a@", [form, xml], "{}", 400, "Invalid Content-Type")
            try await check("PUT", "/v2/queues/a@", [xml], "{}", 406, "406 Not Acceptable")
            try await check("PUT", "/v2/queues/a@", [project], nil, 400, "Missing header value")
            try await check("PUT", "/v2/queues/a@", [("Client-ID", "x")], nil, 400, "Wrong UUID value")
            try await check("PUT", "/v2/queues/a@", [client], nil, 400, "Project-Id Missing")
            try await check(
                "PUT", "/v2/queues/a@", [client, ("X-Project-Id", "")], nil, 400, "Empty project header not allowed")
            try await check("PUT", "/v2/queues/a@", [client, project], nil, 400, "Invalid queue identification")
            try await check("PATCH", "/v2/queues/a@", [client, project], nil, 400, "Invalid queue identification")
            try await check("PATCH", "/v2/queues/a", [project], nil, 400, "Missing header value")
            try await check("POST", "/v2/queues/a", [client, project], nil, 405, "405 Method Not Allowed")
            try await check("PUT", "/v2/queues/", [client, project], nil, 400, "Invalid queue identification")
            try await check("GET", "/v2/queues?limit=x", [client, project], nil, 400, "Invalid parameter")
        }
    }

    @Test func `Every answer names the request, and no two alike`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            var names: Set<String> = []
            for (method, path) in [
                ("GET", "/"), ("GET", "/v2/nope"), ("GET", "/v2/ping"), ("PATCH", "/v2/queues/q"), ("OPTIONS", "/x"),
                ("PUT", "/v2/queues/q"), ("GET", "/v2/queues?limit=0"),
            ] {
                let reply = try await client.send(
                    method, path, headers: [("X-OpenStack-Request-Id", "req-3381af92-2b9e-11e3-b191-71861300734c")])
                let name = try #require(reply["X-OpenStack-Request-Id"])
                #expect(
                    name.wholeMatch(of: /req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/)
                        != nil)
                #expect(names.insert(name).inserted)
                #expect(reply["Date"]?.hasSuffix(" GMT") == true)
            }
            #expect(!names.contains("req-3381af92-2b9e-11e3-b191-71861300734c"))
        }
    }

    @Test func `A project is required, may hold anything, and has 256 characters (CV-3, CV-4, CV-5, CV-7)`()
        async throws
    {
        try await withAPI { api async throws in
            let caller = HTTPCaller(api.address)
            let client = ("Client-ID", "3381af922b9e11e3b19171861300734c")
            for method in ["PUT", "DELETE"] {
                #expect(try await caller.send(method, "/v2/queues/q", headers: [client]).status == 400)
                #expect(
                    try await caller.send(method, "/v2/queues/q", headers: [client, ("X-Project-Id", "")]).status == 400
                )
            }
            func put(_ project: String, path: String = "/v2/queues/q", method: String = "PUT") async throws -> Int {
                try await caller.send(method, path, headers: [client, ("X-Project-Id", project)]).status
            }
            #expect(try await put(String(repeating: "p", count: 264)) == 400)
            #expect(try await put(String(repeating: "p", count: 257), path: "/v2/queues", method: "GET") == 400)
            #expect(try await put(String(repeating: "p", count: 256)) == 201)
            #expect(try await put("JAM Project") == 201)
            #expect(try await put("pr.oj:e/ct{}") == 201)
            #expect(try await caller.send("PUT", "/v2/queues/q", headers: [("X-Project-Id", "p")]).status == 400)
            // The tenant's header stands in where the project's is absent, and only there.
            let tenant = ("X-Tenant-Id", "JAM Project")
            #expect(try await caller.send("PUT", "/v2/queues/q", headers: [client, tenant]).status == 204)
            #expect(
                try await caller.send("PUT", "/v2/queues/q", headers: [client, tenant, ("X-Project-Id", "")]).status
                    == 400)
        }
    }

    @Test(arguments: [
        "", "0xdeadbeef", "textid", "3381af922b9e11e3b19171861300734", "3381af92-2b9e-11e3-b191-71861300734",
    ])
    func `A client that is no UUID is refused (CV-6)`(id: String) async throws {
        try await withAPI { api async throws in
            var client = api.client()
            client.client = id
            for reply in [
                try await client.post("/v2/queues/q/messages", #"{"messages":[{"body":1}]}"#),
                try await client.get("/v2/queues/q/messages"),
            ] {
                #expect(reply.status == 400 && reply.title == "Wrong UUID value")
            }
        }
    }

    @Test func `Only callers that read JSON are served (CV-9)`() async throws {
        try await withAPI { api async throws in
            let caller = HTTPCaller(api.address)
            for (method, path) in [
                ("GET", "/v2/queues"), ("POST", "/v2/queues/q/messages"), ("GET", "/v2/queues/q/messages/1"),
                ("GET", "/"),
            ] {
                let reply = try await caller.send(method, path, headers: [("Accept", "application/xml")])
                #expect(reply.status == 406 && reply.title == "406 Not Acceptable" && !reply.words.isEmpty)
            }
            let client = api.client()
            let rows: [(String, Int)] = [
                ("", 200), ("*/*", 200), ("application/json", 200), ("application/*", 200), ("APPLICATION/JSON", 200),
                ("text/html, application/json;q=0.1", 200), ("text/html, */*;q=0.1", 200),
                ("application/json; charset=utf-8", 200),
                ("application/json;q=0, */*", 406), ("*/*;q=0", 406), ("application/*;q=0.0, */*;q=1", 406),
                ("text/*", 406),
                ("application/json-home", 406),
            ]
            for (accept, status) in rows {
                let reply = try await client.send("GET", "/v2/queues", headers: [("Accept", accept)])
                #expect(reply.status == status, "\(accept)")
            }
            #expect(try await client.send("GET", "/v2/", headers: [("Accept", "application/json-home")]).status == 200)
        }
    }

    @Test func `A form is refused when it has a body, and only then (CV-10)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let form = "application/x-www-form-urlencoded"
            #expect(try await client.send("PUT", "/v2/queues/q", headers: [("Content-Type", form)]).status == 201)
            let body = #"{"messages":[{"body":1}]}"#
            for (type, status) in [
                (form, 400), ("\(form.uppercased()) ; charset=UTF-8", 400), ("text/plain", 201),
                ("application/json", 201),
            ] {
                let reply = try await client.send(
                    "POST", "/v2/queues/q/messages", body, headers: [("Content-Type", type)])
                #expect(reply.status == status, "\(type)")
            }
            #expect(try await client.post("/v2/queues/q/messages", body).status == 201)
        }
    }

    @Test func `Queue names are short and plain (CV-11 to CV-15)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let body = #"{"messages":[{"body":1}]}"#
            let long = String(repeating: "q", count: 64)
            for name in ["Nice-Boat_2", "Service.test_queue", "0123456789", long, "%71ueue"] {
                #expect(try await client.put("/v2/queues/\(name)").status == 201, "\(name)")
                #expect(try await client.post("/v2/queues/\(name)/messages", body).status == 201, "\(name)")
            }
            for name in [
                "Nice-Bo@t", long + "q", String(repeating: "q", count: 72), "%C5%93", "%C4", "%40%24%40%5Eqw%40",
                "%E5%97%A8", "a%20b",
                "a%2Fb", "a%00", "%", "a+b",
            ] {
                for reply in [
                    try await client.put("/v2/queues/\(name)"), try await client.delete("/v2/queues/\(name)"),
                    try await client.post("/v2/queues/\(name)/messages", body),
                    try await client.get("/v2/queues/\(name)/subscriptions/x/secret"),
                ] {
                    #expect(reply.status == 400 && reply.title == "Invalid queue identification", "\(name)")
                }
            }
            // Bytes beyond ASCII may already break the request line.
            #expect(try await client.put("/v2/queues/œ").status == 400)
        }
    }

    @Test func `A method the path lacks is 405 with the methods that it has (S-65)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for (method, path, allowed) in [
                ("POST", "/v2/queues/q", "GET, PUT, PATCH, DELETE, OPTIONS"),
                ("PUT", "/v2/queues/q/messages", "GET, POST, DELETE, OPTIONS"),
                ("PATCH", "/v2/queues/q/messages/1", "GET, DELETE, OPTIONS"), ("POST", "/v2/queues", "GET, OPTIONS"),
                ("PUT", "/v2/queues/q/subscriptions/1", "GET, PATCH, DELETE, OPTIONS"), ("POST", "/", "GET, OPTIONS"),
                ("GET", "/v2/queues/q/claims", "POST, OPTIONS"),
                ("POST", "/v2/queues/q/subscriptions/1/confirm", "PUT, OPTIONS"),
                ("REPORT", "/v2/ping", "GET, HEAD, OPTIONS"),
            ] {
                let reply = try await client.send(method, path)
                #expect(
                    reply.status == 405 && reply.text == #"{"title":"405 Method Not Allowed"}"#, "\(method) \(path)")
                #expect(reply["Allow"] == allowed)
            }
            let head = try await client.send("HEAD", "/v2/queues/q")
            #expect(head.status == 405 && head.body.isEmpty)
        }
    }

    @Test func `OPTIONS is 200 without a body, and names the methods of a known path`() async throws {
        try await withAPI { api async throws in
            let caller = HTTPCaller(api.address)
            let known = try await caller.send("OPTIONS", "/v2/queues/q")
            #expect(known.status == 200 && known.body.isEmpty && known["Allow"] == "GET, PUT, PATCH, DELETE")
            let unknown = try await caller.send("OPTIONS", "/v2/nope")
            #expect(unknown.status == 200 && unknown.body.isEmpty && unknown["Allow"] == nil)
        }
    }

    @Test func `Ping needs a caller and answers without a body (P-1, A-41)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for method in ["GET", "HEAD"] {
                let reply = try await client.send(method, "/v2/ping")
                #expect(reply.status == 204 && reply.body.isEmpty)
            }
            #expect(try await HTTPCaller(api.address).send("GET", "/v2/ping").status == 400)
        }
    }

    @Test func `Bytes that are no HTTP are answered 400 and the connection closed`() async throws {
        try await withAPI { api async throws in
            #expect(try await HTTPCaller(api.address).send(raw: "nonsense\r\n\r\n").status == 400)
            let huge = try? await HTTPCaller(api.address).send(
                "GET", "/", headers: [("X", String(repeating: "x", count: 200_000))])
            #expect(huge == nil || huge?.status == 400 || huge?.status == 431)
            #expect(try await HTTPCaller(api.address).send("GET", "/").status == 300)
        }
    }
}
