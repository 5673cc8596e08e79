import CLI
import Testing

/// How commands show what they found.
struct OutputTests {
    private static func rows() throws -> [OutputValue] {
        let json = #"[{"name":"a","metadata":{"_ttl":60,"x":"é\n"}},{"name":"longer","metadata":{},"n":1.50}]"#
        return try #require(try OutputValue(json: Array(json.utf8)).elements)
    }

    @Test func `A table has a head, columns as wide as their cells, and one line a row`() throws {
        let lines = try OutputForm.table.lines(
            Self.rows(), columns: [OutputForm.Column("name"), OutputForm.Column("metadata", head: "what")])
        #expect(lines == ["NAME    WHAT", "a       _ttl=60, x=é\u{FFFD}", "longer  "])
    }

    @Test func `One object is a line for each member`() throws {
        let object = try OutputValue(json: Array(#"{"name":"q","empty":null,"on":true}"#.utf8))
        #expect(try OutputForm.table.lines(object) == ["name   q", "empty  -", "on     yes"])
    }

    @Test func `JSON and YAML hold everything, numbers digit for digit and members in their order`() throws {
        let rows = try Self.rows()
        let json = try #require(try OutputForm.json.lines(rows, columns: []).first)
        #expect(try OutputValue(json: Array(json.utf8)) == .list(rows))
        #expect(json.contains(#""n": 1.50"#) && json.hasPrefix("[\n  {\n    \"name\": \"a\",\n    \"metadata\": {"))
        let yaml = try #require(try OutputForm.yaml.lines(rows, columns: []).first)
        #expect(
            yaml == """
                - name: a
                  metadata:
                    _ttl: 60
                    x: "é\\n"
                - name: longer
                  metadata: {}
                  n: 1.50
                """)
        let texts = try OutputValue(json: Array(#"{"a":"yes","b":"1","c":"null","d":"x: y","e":"x"}"#.utf8))
        #expect(
            try OutputForm.yaml.lines(texts) == ["a: \"yes\"\nb: \"1\"\nc: \"null\"\nd: \"x: y\"\ne: x"])
    }
}
