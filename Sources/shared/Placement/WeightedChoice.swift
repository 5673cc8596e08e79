/// A choice in proportion to weights (docs/api.md, "Pools and flavors").
package enum WeightedChoice {
    /// The first element whose running sum of weights exceeds the selector.
    ///
    /// An element of weight 0 is never chosen.
    ///
    /// - Parameters:
    ///   - elements: Each weight 0 or more.
    ///   - selector: 0 or more.
    /// - Returns: nil when the selector is not below the sum of all weights.
    package static func element<Element>(
        of elements: [Element], weight: (Element) -> Int, selector: Int
    ) -> Element? {
        var sum = 0
        for element in elements {
            sum += weight(element)
            if selector < sum { return element }
        }
        return nil
    }

    /// Draws the selector, too.
    ///
    /// - Returns: nil when there are no elements, or none has a weight.
    package static func draw<Element>(
        from elements: [Element], weight: (Element) -> Int, using random: (Range<Int>) -> Int
    ) -> Element? {
        let sum = elements.reduce(0) { $0 + weight($1) }
        guard sum > 0 else { return nil }
        return self.element(of: elements, weight: weight, selector: random(0..<sum))
    }
}
