import Filters
import Testing

/// Policies and bodies after those in Amazon's documentation of the language, and what has to come out.
struct FilterPolicyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let policy: String
        let body: String
        let matches: Bool

        init(_ policy: String, _ body: String, _ matches: Bool) {
            self.policy = policy
            self.body = body
            self.matches = matches
        }

        var testDescription: String { "\(self.policy) \(self.matches ? "takes" : "refuses") \(self.body)" }
    }

    static func decision(_ policy: String, _ body: String) throws -> FilterDecision {
        try FilterPolicy(policy).decision(on: Array(body.utf8).span)
    }

    // MARK: - "AND/OR logic"

    @Test(arguments: [
        Row(
            #"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#,
            #"{"customer_interests": "rugby", "price_usd": 101}"#, true),
        Row(
            #"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#,
            #"{"price_usd": 100.00001, "customer_interests": "rugby"}"#, true),
        Row(
            #"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#,
            #"{"customer_interests": "rugby", "price_usd": 100}"#, false),
        Row(
            #"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#,
            #"{"customer_interests": "tennis", "price_usd": 101}"#, false),
        Row(
            #"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#,
            #"{"customer_interests": "rugby"}"#, false),
        Row(#"{"customer_interests": ["rugby", "football", "baseball"]}"#, #"{"customer_interests": "rugby"}"#, true),
        Row(
            #"{"customer_interests": ["rugby", "football", "baseball"]}"#, #"{"customer_interests": "football"}"#, true),
        Row(
            #"{"customer_interests": ["rugby", "football", "baseball"]}"#, #"{"customer_interests": "baseball"}"#, true),
        Row(#"{"customer_interests": ["rugby", "football", "baseball"]}"#, #"{"customer_interests": "chess"}"#, false),
    ])
    func `Keys are joined by AND, and the conditions of a key by OR`(row: Row) throws {
        #expect(try Self.decision(row.policy, row.body).isMatch == row.matches)
    }

    private static let standardOr =
        #"{"source": ["aws.cloudwatch"], "$or": [{"metricName": ["CPUUtilization"]}, {"namespace": ["AWS/EC2"]}]}"#
    private static let parallelOr =
        #"{"$or": [{"metricName": ["CPUUtilization", "ReadLatency"]}, {"namespace": ["AWS/EC2", "AWS/ES"]}], "#
        + #""detail": {"scope": ["Service"], "$or": [{"source": ["aws.cloudwatch"]}, {"type": ["Alarm"]}]}}"#
    private static let andInOr =
        #"{"source": ["aws.cloudwatch"], "$or": [{"metricName": ["CPUUtilization"]}, "#
        + #"{"metricType": ["MetricType"], "namespace": ["AWS/EC2"]}, {"scope": ["Service"]}]}"#
    private static let orInOr =
        #"{"source": ["aws.cloudwatch"], "$or": [{"metricName": ["CPUUtilization"]}, {"metricType": ["MetricType"], "#
        + #""namespace": ["AWS/EC2"], "$or": [{"metricId": [1234]}, {"spaceId": [1000, 2000]}]}]}"#

    @Test(arguments: [
        Row(Self.standardOr, #"{"source": "aws.cloudwatch", "metricName": "CPUUtilization"}"#, true),
        Row(Self.standardOr, #"{"source": "aws.cloudwatch", "namespace": "AWS/EC2"}"#, true),
        Row(
            Self.standardOr, #"{"source": "aws.cloudwatch", "namespace": "AWS/EC2", "metricName": "CPUUtilization"}"#,
            true),
        Row(
            Self.standardOr, #"{"source": "aws.cloudwatch", "metricName": "ReadLatency", "namespace": "AWS/ES"}"#, false
        ),
        Row(Self.standardOr, #"{"source": "aws.cloudwatch"}"#, false),
        Row(Self.standardOr, #"{"namespace": "AWS/EC2"}"#, false),
        Row(
            Self.parallelOr,
            #"{"metricName": "CPUUtilization", "detail": {"scope": "Service", "source": "aws.cloudwatch"}}"#, true),
        Row(Self.parallelOr, #"{"namespace": "AWS/ES", "detail": {"type": "Alarm", "scope": "Service"}}"#, true),
        Row(Self.parallelOr, #"{"metricName": "CPUUtilization", "detail": {"scope": "Service"}}"#, false),
        Row(Self.parallelOr, #"{"metricName": "CPUUtilization", "detail": {"type": "Alarm"}}"#, false),
        Row(Self.parallelOr, #"{"metricName": "AWS/EC2", "detail": {"scope": "Service", "type": "Alarm"}}"#, false),
        Row(Self.parallelOr, #"{"metricName": "CPUUtilization", "scope": "Service"}"#, false),
        Row(Self.andInOr, #"{"source": "aws.cloudwatch", "scope": "Service"}"#, true),
        Row(Self.andInOr, #"{"source": "aws.cloudwatch", "metricType": "MetricType", "namespace": "AWS/EC2"}"#, true),
        Row(Self.andInOr, #"{"source": "aws.cloudwatch", "metricType": "MetricType"}"#, false),
        Row(
            Self.orInOr,
            #"{"source": "aws.cloudwatch", "metricType": "MetricType", "namespace": "AWS/EC2", "metricId": 1234}"#, true
        ),
        Row(
            Self.orInOr,
            #"{"source": "aws.cloudwatch", "metricType": "MetricType", "namespace": "AWS/EC2", "spaceId": 2e3}"#, true),
        Row(Self.orInOr, #"{"source": "aws.cloudwatch", "metricType": "MetricType", "namespace": "AWS/EC2"}"#, false),
        Row(Self.orInOr, #"{"source": "aws.cloudwatch", "metricName": "CPUUtilization"}"#, true),
        // One object, names of conditions, or no array: `$or` is a key like others.
        Row(#"{"$or": {"a": [1]}}"#, #"{"$or": {"a": 1}}"#, true),
        Row(#"{"$or": {"a": [1]}}"#, #"{"a": 1}"#, false),
        Row(#"{"$or": [{"prefix": "a"}, {"suffix": "z"}]}"#, #"{"$or": "abc"}"#, true),
        Row(#"{"$or": [{"prefix": "a"}, {"suffix": "z"}]}"#, #"{"$or": "xyz"}"#, true),
        Row(#"{"$or": [{"prefix": "a"}, {"suffix": "z"}]}"#, #"{"prefix": "a"}"#, false),
        Row(#"{"$or": ["a", "b"]}"#, #"{"$or": "b"}"#, true),
        Row(#"{"$or": [{"exists": true}]}"#, #"{"$or": 1}"#, true),
    ])
    func `A $or needs one of its alternatives`(row: Row) throws {
        #expect(try Self.decision(row.policy, row.body).isMatch == row.matches)
    }

    // MARK: - "Key matching"

    @Test(arguments: [
        Row(
            #"{"store": [{"exists": true}]}"#, #"{"store": "fans", "customer_interests": ["baseball", "basketball"]}"#,
            true),
        Row(#"{"store": [{"exists": true}]}"#, #"{"customer_interests": ["baseball", "basketball"]}"#, false),
        Row(#"{"store": [{"exists": true}]}"#, #"{"store": null}"#, false),
        Row(#"{"store": [{"exists": true}]}"#, #"{"store": ""}"#, false),
        Row(#"{"store": [{"exists": true}]}"#, #"{"store": []}"#, false),
        Row(#"{"store": [{"exists": true}]}"#, #"{"store": {"name": "fans"}}"#, false),
        Row(#"{"store": [{"exists": true}]}"#, #"{"store": [null, "", 0]}"#, true),
        Row(#"{"store": [{"exists": true}]}"#, #"{"store": false}"#, true),
        Row(
            #"{"store": [{"exists": false}]}"#, #"{"store": "fans", "customer_interests": ["baseball", "basketball"]}"#,
            false),
        Row(#"{"store": [{"exists": false}]}"#, #"{"customer_interests": ["baseball", "basketball"]}"#, true),
        Row(#"{"store": [{"exists": false}]}"#, #"{"store": null}"#, false),
        Row(#"{"store": [{"exists": false}]}"#, #"{"store": ""}"#, false),
        Row(#"{"store": [{"exists": false}]}"#, #"{"store": []}"#, true),
        Row(#"{"store": [{"exists": false}]}"#, #"{"store": {"name": "fans"}}"#, true),
        Row(#"{"store": [{"exists": false}]}"#, "{}", true),
        Row(#"{"store": [{"exists": false}, "fans"]}"#, #"{"store": "fans"}"#, true),
        Row(#"{"store": [{"exists": false}, "fans"]}"#, #"{"store": "zoo"}"#, false),
        Row(#"{"store": [{"exists": false}, {"anything-but": "zoo"}]}"#, #"{"shop": "zoo"}"#, true),
    ])
    func `exists asks for values, not for objects`(row: Row) throws {
        #expect(try Self.decision(row.policy, row.body).isMatch == row.matches)
    }

    // MARK: - "String value matching"

    @Test(arguments: [
        Row(#"{"customer_interests": ["rugby", "tennis"]}"#, #"{"customer_interests": "tennis"}"#, true),
        Row(#"{"customer_interests": ["rugby", "tennis"]}"#, #"{"customer_interests": ["baseball", "rugby"]}"#, true),
        Row(#"{"customer_interests": ["rugby", "tennis"]}"#, #"{"customer_interests": "baseball"}"#, false),
        Row(#"{"customer_interests": ["rugby", "tennis"]}"#, #"{"customer_interests": ["baseball"]}"#, false),
        Row(#"{"customer_interests": ["rugby"]}"#, #"{"customer_interests": "Rugby"}"#, false),
        Row(#"{"a": [true, null]}"#, #"{"a": true}"#, true),
        Row(#"{"a": [true, null]}"#, #"{"a": null}"#, true),
        Row(#"{"a": [true, null]}"#, #"{"a": false}"#, false),
        Row(#"{"a": [true, null]}"#, #"{"a": "true"}"#, false),
        Row(#"{"a": [true, null]}"#, "{}", false),
        Row(#"{"a": [false]}"#, #"{"a": [true, false]}"#, true),
        Row(#"{"a": [""]}"#, #"{"a": ""}"#, true),
        Row(
            #"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#, #"{"customer_interests": "baseball"}"#,
            true),
        Row(
            #"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#, #"{"customer_interests": "football"}"#,
            true),
        Row(
            #"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#,
            #"{"customer_interests": ["rugby", "baseball"]}"#, true),
        Row(
            #"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#, #"{"customer_interests": "rugby"}"#,
            false),
        Row(
            #"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#, #"{"customer_interests": ["rugby"]}"#,
            false),
        Row(#"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#, #"{"interests": "chess"}"#, false),
        Row(#"{"customer_interests": [{"anything-but": "rugby"}]}"#, #"{"customer_interests": null}"#, true),
        Row(#"{"customer_interests": [{"anything-but": "rugby"}]}"#, #"{"customer_interests": 5}"#, true),
        Row(#"{"customer_interests": [{"anything-but": "rugby"}]}"#, #"{"customer_interests": []}"#, false),
        Row(#"{"event": [{"anything-but": {"prefix": "order-"}}]}"#, #"{"event": "data-entry"}"#, true),
        Row(#"{"event": [{"anything-but": {"prefix": "order-"}}]}"#, #"{"event": "order_number"}"#, true),
        Row(#"{"event": [{"anything-but": {"prefix": "order-"}}]}"#, #"{"event": "order-cancelled"}"#, false),
        Row(#"{"event": [{"anything-but": {"suffix": "-cancelled"}}]}"#, #"{"event": "order-placed"}"#, true),
        Row(#"{"event": [{"anything-but": {"suffix": "-cancelled"}}]}"#, #"{"event": "order-cancelled"}"#, false),
        Row(#"{"event": [{"anything-but": {"wildcard": "*ball"}}]}"#, #"{"event": "rugby"}"#, true),
        Row(#"{"event": [{"anything-but": {"wildcard": "*ball"}}]}"#, #"{"event": "baseball"}"#, false),
        Row(#"{"customer_interests": [{"equals-ignore-case": "tennis"}]}"#, #"{"customer_interests": "TENNIS"}"#, true),
        Row(#"{"customer_interests": [{"equals-ignore-case": "tennis"}]}"#, #"{"customer_interests": "Tennis"}"#, true),
        Row(#"{"customer_interests": [{"equals-ignore-case": "tennis"}]}"#, #"{"customer_interests": "tenni"}"#, false),
        Row(#"{"customer_interests": [{"prefix": "bas"}]}"#, #"{"customer_interests": "baseball"}"#, true),
        Row(#"{"customer_interests": [{"prefix": "bas"}]}"#, #"{"customer_interests": "basketball"}"#, true),
        Row(#"{"customer_interests": [{"prefix": "bas"}]}"#, #"{"customer_interests": "rugby"}"#, false),
        Row(#"{"customer_interests": [{"prefix": "bas"}]}"#, #"{"customer_interests": "ba"}"#, false),
        Row(#"{"customer_interests": [{"suffix": "ball"}]}"#, #"{"customer_interests": "baseball"}"#, true),
        Row(#"{"customer_interests": [{"suffix": "ball"}]}"#, #"{"customer_interests": "ball"}"#, true),
        Row(#"{"customer_interests": [{"suffix": "ball"}]}"#, #"{"customer_interests": "rugby"}"#, false),
        Row(#"{"customer_interests": [{"wildcard": "*ball"}]}"#, #"{"customer_interests": "baseball"}"#, true),
        Row(#"{"customer_interests": [{"wildcard": "*ball"}]}"#, #"{"customer_interests": "basketball"}"#, true),
        Row(#"{"customer_interests": [{"wildcard": "*ball"}]}"#, #"{"customer_interests": "rugby"}"#, false),
        Row(#"{"source_ip": [{"cidr": "10.0.0.0/24"}]}"#, #"{"source_ip": "10.0.0.0"}"#, true),
        Row(#"{"source_ip": [{"cidr": "10.0.0.0/24"}]}"#, #"{"source_ip": "10.0.0.255"}"#, true),
        Row(#"{"source_ip": [{"cidr": "10.0.0.0/24"}]}"#, #"{"source_ip": "10.1.1.0"}"#, false),
        Row(#"{"source_ip": [{"cidr": "2001:db8::/32"}]}"#, #"{"source_ip": "2001:db8:1::1"}"#, true),
        Row(#"{"source_ip": [{"cidr": "2001:db8::/32"}]}"#, #"{"source_ip": "2001:db9::1"}"#, false),
    ])
    func `Strings are compared`(row: Row) throws {
        #expect(try Self.decision(row.policy, row.body).isMatch == row.matches)
    }

    // MARK: - "Numeric value matching"

    @Test(arguments: [
        Row(#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#, #"{"price_usd": 301.5}"#, true),
        Row(#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#, #"{"price_usd": 3.015e2}"#, true),
        Row(#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#, #"{"price_usd": "301.5"}"#, false),
        Row(#"{"price": [{"anything-but": [100, 500]}]}"#, #"{"price": 101}"#, true),
        Row(#"{"price": [{"anything-but": [100, 500]}]}"#, #"{"price": 100.1}"#, true),
        Row(#"{"price": [{"anything-but": [100, 500]}]}"#, #"{"price": [100, 50]}"#, true),
        Row(#"{"price": [{"anything-but": [100, 500]}]}"#, #"{"price": 100}"#, false),
        Row(#"{"price": [{"anything-but": [100, 500]}]}"#, #"{"price": 5.0e2}"#, false),
        Row(#"{"price": [{"anything-but": 100}]}"#, #"{"price": "100"}"#, true),
        Row(#"{"price_usd": [{"numeric": ["<", 0]}]}"#, #"{"price_usd": -0.00001}"#, true),
        Row(#"{"price_usd": [{"numeric": ["<", 0]}]}"#, #"{"price_usd": 0}"#, false),
        Row(#"{"price_usd": [{"numeric": [">", 0, "<=", 150]}]}"#, #"{"price_usd": 150}"#, true),
        Row(#"{"price_usd": [{"numeric": [">", 0, "<=", 150]}]}"#, #"{"price_usd": 0}"#, false),
        Row(#"{"price_usd": [{"numeric": [">", 0, "<=", 150]}]}"#, #"{"price_usd": 150.00001}"#, false),
        Row(#"{"price_usd": [{"numeric": ["<=", 5]}, {"numeric": [">=", 10]}]}"#, #"{"price_usd": 5}"#, true),
        Row(#"{"price_usd": [{"numeric": ["<=", 5]}, {"numeric": [">=", 10]}]}"#, #"{"price_usd": 10}"#, true),
        Row(#"{"price_usd": [{"numeric": ["<=", 5]}, {"numeric": [">=", 10]}]}"#, #"{"price_usd": 7}"#, false),
        Row(#"{"price_usd": [100]}"#, #"{"price_usd": 100}"#, true),
        Row(#"{"price_usd": [100]}"#, #"{"price_usd": true}"#, false),
    ])
    func `Numbers are compared`(row: Row) throws {
        #expect(try Self.decision(row.policy, row.body).isMatch == row.matches)
    }

    // MARK: - "Introducing payload-based message filtering"

    private static let nested =
        #"{"Records": {"s3": {"object": {"key": [{"prefix": "auto-"}]}}, "eventName": [{"prefix": "ObjectCreated:"}]}}"#
    private static let created =
        #"{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "auto-1.xml"}}}"#
    private static let removed = #"{"eventName": "ObjectRemoved:Delete", "s3": {"object": {"key": "auto-1.xml"}}}"#
    private static let other = #"{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "life-1.xml"}}}"#

    @Test(arguments: [
        Row(Self.nested, #"{"Records": [\#(Self.created)]}"#, true),
        Row(Self.nested, #"{"Records": \#(Self.created)}"#, true),
        Row(Self.nested, #"{"Records": [\#(Self.removed)]}"#, false),
        Row(Self.nested, #"{"Records": [\#(Self.other)]}"#, false),
        Row(Self.nested, #"{"Records": [\#(Self.removed), \#(Self.created)]}"#, true),
        Row(Self.nested, #"{"Records": [\#(Self.created), \#(Self.removed)]}"#, true),
        // Both keys hold, but in two elements.
        Row(Self.nested, #"{"Records": [\#(Self.removed), \#(Self.other)]}"#, false),
        Row(Self.nested, #"{"Records": [[[\#(Self.created)]], 5]}"#, true),
        Row(
            Self.nested, #"{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": [[{"key": "auto-1"}]]}}]}"#,
            true),
        Row(Self.nested, #"{"Records": []}"#, false),
        Row(#"{"headers": {"route-to": ["queue1"]}}"#, #"{"headers": {"route-to": ["queue1", "queue2"]}}"#, true),
        Row(#"{"headers": {"route-to": ["queue1"]}}"#, #"{"headers": {"route-to": ["queue3"]}}"#, false),
        Row(#"{"headers": {"route-to": ["queue1"]}}"#, #"{"headers": {"route-to": [["queue1"]]}}"#, true),
        Row(
            #"{"object": {"key": ["a"], "nested_key": [{"exists": false}]}, "test": [{"exists": false}]}"#,
            #"{"object": {"key": "a"}}"#, true),
        Row(
            #"{"object": {"key": ["a"], "nested_key": [{"exists": false}]}, "test": [{"exists": false}]}"#,
            #"{"object": {"key": "a"}, "test": 1}"#, false),
        Row(
            #"{"object": {"key": ["a"], "nested_key": [{"exists": false}]}, "test": [{"exists": false}]}"#,
            #"{"object": {"key": "a", "nested_key": 1}}"#, false),
        Row(#"{"object": {"key": [{"exists": false}]}}"#, #"{"object": 5}"#, true),
        Row(#"{"object": {"key": [{"exists": false}]}}"#, "{}", true),
        Row(#"{"object": {"key": [{"exists": false}]}}"#, #"{"object": [{"key": 1}, {"name": 2}]}"#, true),
        Row(#"{"object": {"key": [{"exists": false}]}}"#, #"{"object": [{"key": 1}, 7]}"#, false),
        Row(#"{"$or": [{"a": {"b": [1]}}, {"a": {"c": [2]}}]}"#, #"{"a": {"c": 2}}"#, true),
        Row(#"{"$or": [{"a": {"b": [1]}}, {"a": {"c": [2]}}]}"#, #"{"a": {"c": 1}}"#, false),
        Row(
            #"{"a": [1], "b": {"$or": [{"c": [1], "d": [2]}, {"e": [3]}]}}"#, #"{"a": 1, "b": [{"c": 1}, {"d": 2}]}"#,
            false),
        Row(
            #"{"a": [1], "b": {"$or": [{"c": [1], "d": [2]}, {"e": [3]}]}}"#, #"{"a": 1, "b": [{"c": 1}, {"e": 3}]}"#,
            true),
        // A dot in a name is a dot: unlike in SNS.
        Row(#"{"object.key": ["a"]}"#, #"{"object.key": "a"}"#, true),
        Row(#"{"object.key": ["a"]}"#, #"{"object": {"key": "a"}}"#, false),
    ])
    func `Keys below a key hold in one object`(row: Row) throws {
        #expect(try Self.decision(row.policy, row.body).isMatch == row.matches)
    }

    // MARK: - The value

    @Test func `A policy is kept as it was given`() throws {
        let text = "{\"b\": [1],\n \"a\": [\"\\u0041\"]}"
        #expect(try FilterPolicy(text).text == text)
        #expect(try FilterPolicy(text).canonicalText == #"{"b": [1], "a": ["A"]}"#)
    }

    @Test func `Policies that differ in white space and escapes are equal`() throws {
        let policy = try FilterPolicy(#"{"a":["A"]}"#)
        #expect(try policy == FilterPolicy(#" { "a" : [ "\u0041" ] } "#))
        #expect(try policy.hashValue == FilterPolicy(#"{"a": ["A"]}"#).hashValue)
        #expect(try policy != FilterPolicy(#"{"a":["B"]}"#))
    }
}
