import Documents
import JSON
import NIOCore

extension UnrecognizedHeader {
    /// Members of the body that the action does not know, then names in those that it does.
    init(_ request: ActionRequest, of action: Action) {
        var names = request.body.members.map(\.name).filter { name in
            !action.members.contains { $0.name == name }
        }
        switch action.namedBody {
        case nil: break
        case .subscription: names += UnrecognizedNames.inSubscription(request.body)
        case .metadata(let owner), .metadataPatch(let owner):
            if let metadata = request.slice("metadata") {
                names += UnrecognizedNames.inMetadata(Array(metadata.readableBytesView), of: owner)
            }
        }
        self.init(names)
    }
}
