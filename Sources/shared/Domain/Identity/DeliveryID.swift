/// One message on its way to one subscription: the same text over all attempts, so a receiver can drop a repeat.
package struct DeliveryID: TextIdentity {
    package let text: String

    package init(text: String) {
        self.text = text
    }
}
