/* Filters itself, then forks in two ways; the children write, close, and end. Ends with 7. */
#define _GNU_SOURCE
#include "filters.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(void)
{
    write(2, "child\n", 6);
    close(0);
    _exit(3);
}

int main(void)
{
    struct sock_filter list[] = {NUMBER,      ALLOW(clone), ALLOW(fork),            ALLOW(wait4), ALLOW(write),
                                 ALLOW(close), ALLOW(rt_sigprocmask), ALLOW(set_robust_list), ALLOW(exit_group),
                                 KILL_OTHERS};
    struct sock_fprog program = PROGRAM(list);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    int first, second;
    pid_t pid = fork();
    if (pid == 0)
        child();
    waitpid(pid, &first, 0);
    pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        child();
    waitpid(pid, &second, 0);
    _exit(WEXITSTATUS(first) + WEXITSTATUS(second) + 1);
}
