/* Very many contexts at once, with key log callbacks set and taken away: how many answers differ. */
#include "ssl.h"

#include <stdio.h>
#include <stdlib.h>

static void own(const SSL *session, const char *line)
{
    (void)session, (void)line;
}

int main(int count, char **words)
{
    const int most = atoi(words[count - 1]);
    SSL_CTX **all = calloc((size_t)most, sizeof *all);
    int wrong = 0;
    for (int i = 0; i < most; i++) {
        all[i] = SSL_CTX_new(TLS_method());
        wrong += !all[i] || SSL_CTX_get_keylog_callback(all[i]);
    }
    for (int i = 0; i < most; i++) {
        SSL_CTX_set_keylog_callback(all[i], own);
        wrong += SSL_CTX_get_keylog_callback(all[i]) != own;
    }
    for (int i = 0; i < most; i++) {
        SSL_CTX_set_keylog_callback(all[i], NULL);
        wrong += SSL_CTX_get_keylog_callback(all[i]) != NULL;
    }
    printf("%d contexts, %d wrong\n", most, wrong);
}
