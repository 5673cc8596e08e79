/// A number of a body or of a policy, as far as it has to be known to be compared with the numbers of policies.
///
/// Numbers of policies are whole multiples of 10⁻⁵ up to 10⁹, so the multiple that lies at or below a number and whether it is the number
/// itself decide every comparison exactly, without a `Double`. Numbers beyond are known as beyond.
struct FilterNumber: Sendable, Equatable {
    /// What one is counted as.
    static let scale: Int64 = 100_000

    /// The largest multiple of 10⁻⁵ that is not above the number, counted in 10⁻⁵; ``beyond`` or its negative when it is further away.
    let floor: Int64
    /// The number is that multiple.
    let isExact: Bool

    /// Above every number of a policy.
    static let beyond = FilterBounds.numberMax * Self.scale + 1

    /// - Parameter range: A number as `JSONReader` passes it.
    init(_ range: Range<Int>, in bytes: Span<UInt8>) {
        let parts = Parts(range, in: bytes)
        var magnitude: Int64 = 0
        var hasRemainder = false
        // The digit at hand counts 10^power in units of 10⁻⁵.
        var power = parts.integerDigits + parts.exponent + FilterBounds.decimals
        for index in parts.digits {
            let byte = bytes[index]
            guard byte != UInt8(ascii: ".") else { continue }
            power -= 1
            let digit = Int64(byte &- UInt8(ascii: "0"))
            if power < 0 {
                if digit != 0 {
                    hasRemainder = true
                    break
                }
            } else if magnitude < Self.beyond {
                magnitude = magnitude * 10 + digit
            }
        }
        // What was read counts 10^power when the digits ended before the point of the units.
        while power > 0, magnitude != 0, magnitude < Self.beyond {
            magnitude *= 10
            power -= 1
        }
        if magnitude >= Self.beyond {
            self.floor = parts.isNegative ? -Self.beyond : Self.beyond
            self.isExact = false
        } else {
            self.floor = parts.isNegative ? (hasRemainder ? -magnitude - 1 : -magnitude) : magnitude
            self.isExact = !hasRemainder
        }
    }

    func isEqual(to number: Int64) -> Bool { self.isExact && self.floor == number }

    func isBelow(_ number: Int64) -> Bool { self.floor < number }

    /// The number lies beyond those of policies.
    var isOutOfRange: Bool {
        self.floor >= Self.beyond || self.floor <= -Self.beyond || (self.floor == Self.beyond - 1 && !self.isExact)
    }

    /// Where the digits of a number are, and what its exponent says.
    private struct Parts {
        let isNegative: Bool
        /// Those before and behind the point, and the point.
        let digits: Range<Int>
        /// How many stand before the point.
        let integerDigits: Int
        let exponent: Int

        init(_ range: Range<Int>, in bytes: Span<UInt8>) {
            self.isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
            let start = self.isNegative ? range.lowerBound + 1 : range.lowerBound
            var point: Int?
            var end = range.upperBound
            for index in start..<range.upperBound {
                if bytes[index] == UInt8(ascii: ".") {
                    point = index
                } else if bytes[index] | 0x20 == UInt8(ascii: "e") {
                    end = index
                    break
                }
            }
            self.digits = start..<end
            self.integerDigits = (point ?? end) - start
            var exponent = 0
            if end < range.upperBound {
                let isNegative = bytes[end + 1] == UInt8(ascii: "-")
                let hasSign = isNegative || bytes[end + 1] == UInt8(ascii: "+")
                for index in (hasSign ? end + 2 : end + 1)..<range.upperBound where exponent < Self.exponentMax {
                    exponent = exponent * 10 + Int(bytes[index] &- UInt8(ascii: "0"))
                }
                if isNegative { exponent = -exponent }
            }
            self.exponent = exponent
        }

        /// Further than any number of digits a body may have; what follows no longer counts.
        private static let exponentMax = 1 << 48
    }
}
