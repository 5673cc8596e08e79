#pragma once

/* The git commit this was built from, "+" behind it when files differed; "unknown" outside of git. */
const char *cbuild_commit(void);
