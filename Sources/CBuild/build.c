#include "build.h"

/* Package.swift defines both, from the environment variables SOURCE_COMMIT and RESOLVED_PACKAGES. */
const char *cbuild_commit(void) { return HERALD_COMMIT; }
const char *cbuild_packages(void) { return HERALD_PACKAGES; }
