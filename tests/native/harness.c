/* Drives the interposer's own sources, which are compiled into it with a sanitizer and their hooks renamed to hook_...:
 * threads that connect, speak, close, copy, look for libraries and start programs, under a timer's signals, with forks. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contexts.h"
#include "copies.h"
#include "environment.h"
#include "event.h"
#include "image.h"
#include "journal.h"
#include "line.h"
#include "objects.h"
#include "settings.h"

extern char **environ;

int hook_close(int), hook_connect(int, const void *, socklen_t), hook_dup(int), hook_dup2(int, int), hook_fputs(const char *, FILE *);
int hook_accept(int, void *, socklen_t *), hook_shutdown(int, int), hook_close_range(unsigned, unsigned, int);
int hook_getsockopt(int, int, int, void *, socklen_t *), hook_fcntl(int, int, long), hook_setuid(uid_t);
int hook_posix_spawnp(pid_t *, const char *, const void *, const void *, char *const[], char *const[]);
ssize_t hook_read(int, void *, size_t), hook_write(int, const void *, size_t), hook_writev(int, const struct iovec *, int);
ssize_t hook_send(int, const void *, size_t, int);
char *hook_getenv(const char *);
void *hook_dlsym(void *, const char *);
SSL_CTX *hook_SSL_CTX_new(const SSL_METHOD *);

enum { THREADS = 6 };

static int rounds;
static struct sockaddr_in listening = {.sin_family = AF_INET};
static char odd_file[] = "/tmp/plainwire-odd-XXXXXX";

static unsigned next(unsigned *state)
{
    return *state = *state * 1103515245 + 12345;
}

/* --- sockets and words ----------------------------------------------------------------------------------------- */

static void talk(unsigned random)
{
    struct sockaddr_in6 other = {.sin6_family = AF_INET6, .sin6_port = htons(1), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in refused = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = listening.sin_addr};
    const void *addresses[] = {&listening, &refused, &other};
    const socklen_t lengths[] = {sizeof listening, sizeof refused, sizeof other};
    const int which = (int)(random >> 8) % 3;
    int made = socket(which == 2 ? AF_INET6 : AF_INET, SOCK_STREAM | (random & 1 ? SOCK_NONBLOCK : 0), 0), error;
    socklen_t length = sizeof error;
    char byte;
    hook_connect(made, addresses[which], lengths[which]);
    hook_getsockopt(made, SOL_SOCKET, SO_ERROR, &error, &length);
    hook_read(made, &byte, random & 1 ? 1 : 0);
    hook_send(made, &byte, 1, MSG_NOSIGNAL);
    int copy = hook_dup(made), third = hook_fcntl(made, F_DUPFD_CLOEXEC, 50);
    hook_shutdown(copy, SHUT_WR);
    hook_close(third);
    hook_close(copy);
    hook_close(made);
}

static void speak(unsigned random)
{
    char words[3000];
    const size_t count = random % sizeof words;
    for (size_t i = 0; i < count; i++)
        words[i] = (char)(random >> (i % 24));
    const struct iovec parts[2] = {{words, count / 2}, {words + count / 2, count - count / 2}};
    hook_write(2, words, count);
    hook_writev(2, parts, 2);
    hook_fputs("error: \"\\\n\x7f\x01\xff\n", stderr);
}

static void write_events(unsigned random)
{
    unsigned char address[40];
    for (size_t i = 0; i < sizeof address; i++)
        address[i] = (unsigned char)(random >> (i % 20));
    address[0] = random & 4 ? AF_INET : AF_INET6;
    address[1] = 0;
    int made = socket(AF_INET, SOCK_STREAM, 0);
    event_connect(made, address, random % sizeof address);
    event_error(made, "read", ECONNRESET, random & 8 ? address : NULL, random % sizeof address);
    event_close(made, "close");
    event_close(-1, "close");
    event_tls(made, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "\"/a/library\"", "callback");
    journal_key("CLIENT_RANDOM 00 11");
    close(made);
}

/* --- libraries ------------------------------------------------------------------------------------------------- */

static void callback(const SSL *session, const char *line)
{
    (void)session, (void)line;
}

static void look(unsigned random)
{
    const SSL_CTX *context = (const SSL_CTX *)(uintptr_t)((random & ~15u) | 16);
    context_note(context, callback);
    context_callback(context);
    copies_discover(random & 16);
    copy_at((void *)(uintptr_t)random);
    hook_dlsym(RTLD_DEFAULT, random & 32 ? "SSL_CTX_new" : "nothing_of_that_name");
    hook_getenv("SSLKEYLOGFILE");
    next_symbol(random & 64 ? "read" : "");
}

static void handshakes(void *library)
{
    const SSL_METHOD *(*method)(void) = (const SSL_METHOD *(*)(void))dlsym(library, "TLS_method");
    void (*release)(SSL_CTX *) = (void (*)(SSL_CTX *))dlsym(library, "SSL_CTX_free");
    if (method && release)
        release(hook_SSL_CTX_new(method()));
}

/* --- programs -------------------------------------------------------------------------------------------------- */

/* Files that begin as this program does, with bytes changed: whatever they say must be read without harm. */
static void odd_images(unsigned *random)
{
    unsigned char start[4096];
    int from = open("/proc/self/exe", O_RDONLY), to = open(odd_file, O_RDWR);
    const ssize_t count = read(from, start, sizeof start);
    for (unsigned i = 0; i < next(random) % 20; i++)
        start[next(random) % (i % 2 ? 1024 : 64)] = (unsigned char)(next(random) >> 16);
    if (next(random) % 8 == 0)
        memcpy(start, next(random) & 1024 ? "#!  /bin/sh -x\n" : "#!\n\0\0\0\0\0\0\0\0\0\0\0\0", 15);
    pwrite(to, start, (size_t)count, 0);
    image_at(AT_FDCWD, odd_file);
    image_at(to, "");
    close(from);
    close(to);
}

static void environments(unsigned random)
{
    char *entries[200] = {"A=b", "LD_PRELOAD=/x/other.so:/no/such/libplainwire.so  /y.so", "LD_PRELOAD=", NULL};
    for (unsigned i = 3; i < random % 199; i++)
        entries[i] = "NAME=value";
    if (random & 1)
        entries[1] = "LD_PRELOAD=/no/such/libplainwire.so";
    char *const *made = environment_for_name(random & 2 ? "true" : "no such program", entries);
    for (; *made; made++)
        if (strstr(*made, "libplainwire"))
            abort();
    image_at(AT_FDCWD, "/");
    image_at(-1, "");
}

/* As in a process that was preloaded; the library need not be one. */
static void environments_of_children(void)
{
    char path[] = "/tmp/plainwire-harness-XXXXXX", library[64], list[128];
    char *entries[] = {"A=b", NULL, "PLAINWIRE_KEYS=old", NULL};
    char *given[] = {"LD_PRELOAD=", "LD_PRELOAD=libx.so /y/libz.so", "LD_PRELOAD=libasan.so.8", "B=c"};
    snprintf(library, sizeof library, "%s/libplainwire.so", mkdtemp(path));
    close(open(library, O_WRONLY | O_CREAT, 0600));
    setenv("LD_PRELOAD", library, 1);
    settings_read();
    for (int i = 0; i < 4; i++) {
        entries[1] = given[i];
        bool there = false;
        for (char *const *made = environment_for_name("true", entries); *made; made++) {
            snprintf(list, sizeof list, "LD_PRELOAD=%s%s", library, i == 1 ? ":libx.so:/y/libz.so" : "");
            there |= strcmp(*made, list) == 0;
        }
        if (there != (i != 2))
            abort();
    }
    unlink(library);
    rmdir(path);
}

static void start(void)
{
    pid_t pid;
    if (hook_posix_spawnp(&pid, "true", NULL, NULL, (char *[]){"true", NULL}, environ) == 0)
        waitpid(pid, NULL, 0);
}

static void child(unsigned random)
{
    talk(random);
    hook_write(2, "child error\n", 12);
    hook_close_range(3, ~0u, 0);
    talk(random + 1);
    event_end(3);
    _exit(0);
}

static void *work(void *seed)
{
    unsigned random = (unsigned)(uintptr_t)seed;
    void *library = dlopen("libssl.so.3", RTLD_NOW);
    for (int i = 0; i < rounds; i++) {
        talk(next(&random));
        speak(next(&random));
        write_events(next(&random));
        look(next(&random));
        environments(next(&random) >> 7);
        odd_images(&random);
        if (i % 20 == 0) {
            handshakes(library);
            start();
            pid_t pid = fork();
            if (pid == 0)
                child(random);
            waitpid(pid, NULL, 0);
        }
    }
    return NULL;
}

static void tick(int number)
{
    (void)number;
    const int error = errno;
    talk(7);
    hook_write(2, "tick\n", 5);
    errno = error;
}

int main(int count, char **words)
{
    socklen_t length = sizeof listening;
    listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    rounds = atoi(words[count - 1]);
    close(mkstemp(odd_file));
    if (bind(listener, (void *)&listening, length) || listen(listener, 4096) ||
        getsockname(listener, (void *)&listening, &length))
        return 1;
    const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    environments_of_children();
    hook_setuid(getuid());
    hook_dup2(2, 900);
    hook_close_range(3, ~0u, 0);
    unlink(odd_file);
    puts("done");
}
