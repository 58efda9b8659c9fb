/* TLS libraries other than OpenSSL, of which we stand in for some functions: which of several copies a call was meant for. */
#ifndef PLAINWIRE_LIBRARY_H
#define PLAINWIRE_LIBRARY_H

#include "objects.h"

/* What a call of `symbol` from `caller` was meant for. `at_start`, what next_symbol found when the process began, comes first,
 * as it does for the loader; else the caller's own object, one that it was linked with, any that has the function. */
bool library_meant(const void *caller, const char *symbol, const void *at_start, struct object *found);

/* The function itself; NULL where there is none. */
void *library_function(const void *caller, const char *symbol, void *at_start);

/* The path as JSON, for as long as the process lives; "null" where there are too many. */
const char *library_name(const struct object *object);

/* Tells, once for each library, why its secrets are not to be had. */
void library_unreached(const struct object *object, const char *why);

#endif
