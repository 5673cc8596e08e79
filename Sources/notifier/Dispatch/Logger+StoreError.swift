import Logging
import Runtime
import Store

extension Logger {
    /// Warns of what the store could not do, with its trouble in one word.
    ///
    /// The log of the process limits how often a place in the code says so of one pool and trouble.
    func warn(
        _ what: Logger.Message, _ error: StoreError, shard: Int? = nil, file: String = #fileID,
        function: String = #function, line: UInt = #line
    ) {
        var metadata: Logger.Metadata = [
            LogKey.error: "\(error)", LogKey.storeTrouble: "\(error.trouble.rawValue)",
        ]
        if let shard { metadata[LogKey.shard] = "\(shard)" }
        self.warning(what, metadata: metadata, file: file, function: function, line: line)
    }
}
