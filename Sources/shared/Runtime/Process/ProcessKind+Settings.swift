import Settings

extension ProcessKind {
    /// Where its admin server listens.
    var adminListen: Setting {
        switch self {
        case .api: Setting.apiAdminListen
        case .notifier: Setting.notifierAdminListen
        }
    }

    /// How long its stop may take.
    var drain: Setting {
        switch self {
        case .api: Setting.apiDrain
        case .notifier: Setting.notifierDrain
        }
    }
}
