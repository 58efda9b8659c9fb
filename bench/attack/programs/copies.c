/* Each file given is a libssl of its own: a context from each, with a callback. */
#define _GNU_SOURCE
#include "ssl.h"

#include <dlfcn.h>
#include <stdio.h>

#define FIND(name) __typeof__(&name) find_##name = (__typeof__(&name))dlsym(library, #name)

static void own(const SSL *session, const char *line)
{
    (void)session, (void)line;
}

int main(int count, char **words)
{
    int wrong = 0;
    for (int i = 1; i < count; i++) {
        void *library = dlopen(words[i], RTLD_NOW | RTLD_LOCAL);
        if (!library)
            return puts(dlerror()), 1;
        FIND(SSL_CTX_new);
        FIND(TLS_method);
        FIND(SSL_CTX_set_keylog_callback);
        FIND(SSL_CTX_get_keylog_callback);
        SSL_CTX *context = find_SSL_CTX_new(find_TLS_method());
        wrong += !context || find_SSL_CTX_get_keylog_callback(context);
        find_SSL_CTX_set_keylog_callback(context, own);
        wrong += find_SSL_CTX_get_keylog_callback(context) != own;
    }
    printf("%d copies, %d wrong\n", count - 1, wrong);
}
