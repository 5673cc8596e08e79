#pragma once

/* The git commit this was built from, "+" behind it when files differed; "unknown" outside of git. */
const char *cbuild_commit(void);

/* The packages this was built with and their versions, "swift-nio 2.101.2, swift-log 1.16.2"; empty when the build did not say. */
const char *cbuild_packages(void);
