#include "build.h"

/* Package.swift defines it, from the environment variable SOURCE_COMMIT. */
const char *cbuild_commit(void) { return HERALD_COMMIT; }
