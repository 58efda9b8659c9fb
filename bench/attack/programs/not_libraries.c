/* Loads each file given, most of which are no libraries, or none of those whose names they have; what comes of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        void *library = dlopen(words[i], RTLD_NOW | RTLD_LOCAL);
        const char *complaint = library ? "" : strrchr(dlerror(), ':');
        int (*function)(int) = library ? (int (*)(int))dlsym(library, "SSL_CTX_new") : NULL;
        const char **text = library ? dlsym(library, "TLS_method") : NULL;
        printf("%s %d %s\n", complaint, function ? function(i) : -1, text ? *text : "none");
        fflush(stdout);
        if (library)
            dlclose(library);
    }
    return 0;
}
