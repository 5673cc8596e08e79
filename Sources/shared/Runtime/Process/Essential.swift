package import ServiceLifecycle

/// A service the process cannot do without: when it fails the rest stops too, in order, and its error is the process'.
package func essential(_ service: any Service) -> ServiceGroupConfiguration.ServiceConfiguration {
    .init(service: service, failureTerminationBehavior: .gracefullyShutdownGroup)
}
