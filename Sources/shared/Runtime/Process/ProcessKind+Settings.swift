extension ProcessKind {
    /// Where its admin server listens.
    var adminListen: SettingKey {
        switch self {
        case .api: .apiAdminListen
        case .notifier: .notifierAdminListen
        }
    }

    /// How long its stop may take.
    var drain: SettingKey {
        switch self {
        case .api: .apiDrain
        case .notifier: .notifierDrain
        }
    }
}
