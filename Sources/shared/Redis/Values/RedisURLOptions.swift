/// What the options of a Redis URL say, each at most once.
struct RedisURLOptions: Sendable {
    private(set) var database: Int?
    private(set) var deadline: Duration?
    private(set) var master: String?
    private(set) var sentinelLogin = RedisLogin()

    init(
        _ query: Substring?, _ dialect: RedisURLGrammar.Dialect, _ kind: RedisURLGrammar.Kind
    ) throws(InvalidRedisURL) {
        for option in (query ?? "").split(separator: "&") {
            let (name, value) = option.split(atFirst: "=")
            switch (name, dialect) {
            case ("sentinel_username", .pool),
                ("sentinel_username", .setting) where kind == .sentinel:
                guard self.sentinelLogin.user == nil else { throw .optionTwice }
                self.sentinelLogin.user = try RedisURLGrammar.nonEmpty(value ?? "")
            case ("sentinel_password", .pool),
                ("sentinel_password", .setting) where kind == .sentinel:
                guard self.sentinelLogin.password == nil else { throw .optionTwice }
                self.sentinelLogin.password = try RedisURLGrammar.nonEmpty(value ?? "")
            case ("db", .setting):
                guard let value else { throw .unknownOption }
                try self.set(database: value)
            case (_, .setting): throw .unknownOption
            case ("dbid", .pool), ("db", .pool): try self.set(database: value ?? "")
            case ("socket_timeout", .pool):
                guard let seconds = value.flatMap({ Double($0) }), seconds > 0, seconds <= 60 else {
                    throw .invalidTimeout
                }
                self.deadline = .milliseconds(max(1, Int64(seconds * 1000)))
            case ("master", .pool): try self.set(master: value ?? "")
            case (_, .pool): break
            }
        }
        if self.sentinelLogin.user != nil, self.sentinelLogin.password == nil { throw .userWithoutPassword }
    }

    mutating func set(database text: Substring) throws(InvalidRedisURL) {
        guard let number = RedisURLGrammar.number(text), number <= RedisURLGrammar.databaseMax else {
            throw .invalidDatabase
        }
        guard self.database == nil else { throw .databaseTwice }
        self.database = number
    }

    mutating func set(master text: Substring) throws(InvalidRedisURL) {
        guard let name = try RedisURLGrammar.nonEmpty(text) else { throw .noMaster }
        guard name.utf8.count <= RedisURLGrammar.masterBytesMax else {
            throw .masterTooLong(bytesMax: RedisURLGrammar.masterBytesMax)
        }
        guard self.master == nil else { throw .optionTwice }
        self.master = name
    }
}
