/* A crash handler on a stack of the size given, with a page below it that must not be touched: it connects, closes, and
 * says a line. Ends with 9. */
#define _GNU_SOURCE
#include "loopback.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void handler(int number)
{
    (void)number;
    close(refused());
    write(2, "handler\n", 8);
    _exit(9);
}

int main(int count, char **words)
{
    const size_t size = (size_t)atoi(words[count - 1]), pages = (size + 4095) & ~4095ul;
    char *memory = mmap(0, pages + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = memory + 4096 + (pages - size), .ss_size = size};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    if (mprotect(memory, 4096, PROT_NONE) || sigaltstack(&stack, 0) || sigaction(SIGSEGV, &action, 0))
        return 1;
    raise(SIGSEGV);
    return 1;
}
