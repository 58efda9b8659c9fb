/* Makes calls as a Go program does that was led to native/patch/go_calls.c, by a copy of those instructions at another
 * address: go_calls LIBRARY MEMORY LIMIT THREADS ROUNDS. Prints what is not as it was; the log is in MEMORY. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../native/patch/go_calls.h"

enum { DEEP = 4096, UNTOUCHED = 0x5e };

extern const char behind[], following[];
void *entry;

/* As Go's Syscall6 is called: on a stack that is painted, with numbers in all registers that must stay. */
__asm__(".text\n"
        "calling:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, %r12; mov %rdi, %r15\n" /* r12: our stack; r15: struct call */
        "mov 56(%r15), %rsp\n"
        "mov $0x1414, %r14; mov $0xb0b, %ebp\n"
        "movq %r14, %xmm15; pxor %xmm14, %xmm14\n"
        "mov (%r15), %rax; mov 8(%r15), %rbx; mov 16(%r15), %rcx; mov 24(%r15), %rdi; mov 32(%r15), %rsi\n"
        "mov 40(%r15), %r8; mov 48(%r15), %r9\n"
        "push %r12; push %r15\n"
        "jmp *entry(%rip)\n"
        "following: mov %rsi, %r10; mov %rdi, %rdx; mov %rcx, %rsi; mov %rbx, %rdi; syscall\n"
        "behind: pop %r11; pop %r12\n"
        "mov %rax, 64(%r11); mov %rdx, 72(%r11); mov %r14, 80(%r11); mov %rbp, 88(%r11)\n"
        "movq %xmm15, %rax; mov %rax, 96(%r11); mov %r15, 104(%r11); mov %rsp, 112(%r11)\n"
        "mov %r12, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

struct call {
    long number, given[6];
    unsigned char *stack;
    long result, second, r14, rbp, xmm15, r15;
    unsigned char *after;
};
_Static_assert(offsetof(struct call, after) == 112, "as above");

void calling(struct call *);
static size_t deepest;

static long go(long number, long a, long b, long c, long d, long e, long f)
{
    static _Thread_local unsigned char stack[DEEP];
    memset(stack, UNTOUCHED, DEEP);
    struct call call = {number, {a, b, c, d, e, f}, stack + DEEP - 64};
    calling(&call);
    if (call.r14 != 0x1414 || call.rbp != 0xb0b || call.xmm15 != 0x1414 || call.r15 != (long)&call ||
        call.after != call.stack || call.second != c)
        printf("changed by %ld\n", number);
    size_t left = 0;
    while (stack[left] == UNTOUCHED)
        left++;
    const size_t deep = (size_t)(call.stack - stack) - 16 - left; /* what stands there is ours */
    if (deep > deepest)
        deepest = deep;
    return call.result;
}

static struct sockaddr_in address = {.sin_family = AF_INET};
static int listening, rounds, threads;

static void *exchange(void *unused)
{
    (void)unused;
    for (int round = 0; round < rounds; round++) {
        char text[] = "request", parts[] = "answer and more", room[64];
        int error = 1;
        socklen_t length = sizeof error;
        const long client = socket(AF_INET, SOCK_STREAM, 0);
        go(SYS_connect, client, (long)&address, sizeof address, 0, 0, 0);
        go(SYS_getsockopt, client, SOL_SOCKET, SO_ERROR, (long)&error, (long)&length, 0);
        go(SYS_write, client, (long)text, 7, 0, 0, 0);
        const long server = go(SYS_accept4, listening, 0, 0, SOCK_CLOEXEC, 0, 0);
        if (go(SYS_read, server, (long)room, sizeof room, 0, 0, 0) != 7 || memcmp(room, text, 7) != 0)
            puts("not what was sent");
        struct iovec two[] = {{parts, 6}, {parts + 6, 9}};
        go(SYS_writev, server, (long)two, 2, 0, 0, 0);
        go(SYS_recvfrom, client, (long)room, 6, MSG_PEEK, 0, 0);
        go(SYS_recvfrom, client, (long)room, 6, 0, 0, 0);
        struct iovec one = {room, 4};
        struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
        go(SYS_recvmsg, client, (long)&message, 0, 0, 0, 0);
        go(SYS_shutdown, server, SHUT_WR, 0, 0, 0, 0);
        if (threads > 1) /* else five bytes are unread, and it is a reset */
            go(SYS_read, client, (long)room, sizeof room, 0, 0, 0);
        go(SYS_close, client, 0, 0, 0, 0, 0);
        while (go(SYS_read, server, (long)room, sizeof room, 0, 0, 0) > 0)
            ;
        go(SYS_close, server, 0, 0, 0, 0, 0);
    }
    return NULL;
}

int main(int count, char **words)
{
    size_t size, at;
    void *library = dlopen(words[1], RTLD_NOW);
    const void *(*find)(size_t *, size_t *) = (const void *(*)(size_t *, size_t *))dlsym(library, "plainwire_go_calls");
    const void *made = find(&size, &at);
    const int memory = open(words[2], O_RDWR);
    struct go_shared *shared = mmap(NULL, GO_LOG_AT + GO_LOG, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    unsigned char *code = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static int silent;
    if (count < 6 || shared == MAP_FAILED || size > 8192)
        return 2;
    shared->limit = strtoul(words[3], NULL, 10);
    memcpy(code, made, size);
    *(struct go_data *)code = (struct go_data){shared, &silent, following, behind, 7};
    mprotect(code, 8192, PROT_READ | PROT_EXEC);
    entry = code + at;

    socklen_t length = sizeof address;
    listening = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    bind(listening, (struct sockaddr *)&address, length);
    listen(listening, 100);
    getsockname(listening, (struct sockaddr *)&address, &length);
    rounds = atoi(words[5]);
    threads = atoi(words[4]);
    pthread_t all[64];
    for (int i = 0; i < threads; i++)
        pthread_create(&all[i], NULL, exchange, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    if (deepest > GO_STACK)
        printf("%zu bytes of stack\n", deepest);
    const uint64_t before = shared->claimed;
    if (go(SYS_read, 60000, 0, 1, 0, 0, 0) != -EBADF || shared->claimed != before)
        puts("what is no connection was told of");
    silent = 1;
    exchange(NULL);
    if (shared->claimed != before)
        puts("not silent");
    fprintf(stderr, "%d %zu %lu\n", ntohs(address.sin_port), deepest, (unsigned long)shared->lost);
}
