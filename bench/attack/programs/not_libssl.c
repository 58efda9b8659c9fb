/* A library of libssl's name that is none: what has its functions' names is something else, and labels of its key log
 * lead to no function that writes one. */
#include <stdio.h>

const char *TLS_method = "a text";
int SSL_new = 7;
static char said[64];

int SSL_CTX_new(int number)
{
    return number * number;
}

void ssl_log_secret(void)
{
}

__attribute__((noinline, noclone)) static void say(void *session, const char *label)
{
    snprintf(said, sizeof said, "%p %s", session, label);
}

void labels(void *session)
{
    say(session, "CLIENT_HANDSHAKE_TRAFFIC_SECRET");
    say(session, "SERVER_HANDSHAKE_TRAFFIC_SECRET");
    say(session, "CLIENT_TRAFFIC_SECRET_0");
    say(session, "SERVER_TRAFFIC_SECRET_0");
    say(session, "CLIENT_RANDOM");
}
