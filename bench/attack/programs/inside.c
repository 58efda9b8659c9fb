/* Starts itself anew inside of a filter that allows what the loader needs, and no more. Ends with 7. */
#define _GNU_SOURCE
#include "filters.h"

#include <unistd.h>

extern char **environ;

int main(int count, char **words)
{
    if (count > 1) {
        write(2, "inside\n", 7);
        close(0);
        close(77);
        return 7;
    }
    struct sock_filter list[] = {NUMBER,          ALLOW(execve),   ALLOW(brk),        ALLOW(arch_prctl),
                                 ALLOW(access),   ALLOW(openat),   ALLOW(newfstatat), ALLOW(fstat),
                                 ALLOW(read),     ALLOW(pread64),  ALLOW(close),      ALLOW(mmap),
                                 ALLOW(mprotect), ALLOW(munmap),   ALLOW(write),      ALLOW(set_tid_address),
                                 ALLOW(rseq),     ALLOW(prlimit64), ALLOW(getrandom), ALLOW(set_robust_list),
                                 ALLOW(exit_group), KILL_OTHERS};
    struct sock_fprog program = PROGRAM(list);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    execve("/proc/self/exe", (char *[]){words[0], "again", NULL}, environ);
    return 1;
}
