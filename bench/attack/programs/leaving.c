/* Processes that leave in the middle of a handshake, from inside a callback of theirs: how each ends. Arguments:
 * certificate, key. */
#define _GNU_SOURCE
#include "ssl.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int way, lines;
static jmp_buf outside;

static void at_exit(void)
{
    fputs("at exit\n", stderr);
}

static void leave(const SSL *session, const char *line)
{
    (void)session, (void)line;
    lines++;
    switch (way) {
    case 0: exit(30);
    case 1: _exit(31);
    case 2: raise(SIGKILL); break;
    case 3: longjmp(outside, 1);
    case 4: execl("/bin/echo", "echo", "another", NULL);
    }
}

static int handshake(char **words)
{
    SSL_CTX *client = SSL_CTX_new(TLS_method()), *server = SSL_CTX_new(TLS_method());
    if (SSL_CTX_use_certificate_file(server, words[1], 1) != 1 || SSL_CTX_use_PrivateKey_file(server, words[2], 1) != 1)
        return 1;
    SSL *one = SSL_new(client), *other = SSL_new(server);
    connect_both(one, other);
    SSL_CTX_set_keylog_callback(client, leave);
    for (int i = 0; i < 5; i++) {
        SSL_do_handshake(one);
        SSL_do_handshake(other);
    }
    return 2;
}

int main(int count, char **words)
{
    if (count != 3)
        return 1;
    for (way = 0; way < 5; way++) {
        int status;
        const pid_t pid = fork();
        if (pid == 0) {
            atexit(at_exit);
            _exit(setjmp(outside) ? 40 + lines : handshake(words));
        }
        if (waitpid(pid, &status, 0) == pid)
            printf("%d: %x\n", way, status);
        fflush(stdout);
    }
    return 0;
}
