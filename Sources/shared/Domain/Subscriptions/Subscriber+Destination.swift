extension Subscriber.Scheme {
    /// Where an address of this scheme leads.
    package var destination: Destination {
        switch self {
        case .http, .https, .trustHTTP, .trustHTTPS: .webhook
        case .mailto: .email
        case .websocket: .session
        }
    }
}
