/* What key log callback the program itself has set for an SSL_CTX, where ours stands in its place.
 *
 * A table of context addresses, never emptied: a context's end cannot be seen (it is counted), but a new one at the
 * same address can, and starts anew. When the table is full a context is simply not in it.
 */
#ifndef PLAINWIRE_CONTEXTS_H
#define PLAINWIRE_CONTEXTS_H

#include <stdbool.h>

#include "copies.h"

/* Notes the program's callback, NULL for none. False where the table has no room. */
bool context_note(const SSL_CTX *context, keylog_callback callback);

/* The program's callback; NULL where it has set none. */
keylog_callback context_callback(const SSL_CTX *context);

#endif
