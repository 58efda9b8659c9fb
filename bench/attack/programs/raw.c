/* syscall(2) with six arguments, with errors, and with a call that returns twice. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status, file = open("/proc/self/exe", O_RDONLY);
    char *page = (char *)syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, file, 4096);
    char there[4], name[16];
    pread(file, there, 4, 4096);
    printf("%d\n", page[0] == there[0] && page[3] == there[3]);
    errno = 0;
    printf("%ld %d\n", syscall(SYS_close, 77), errno);
    printf("%ld %d\n", syscall(99999), errno);
    prctl(PR_SET_NAME, "renamed");
    prctl(PR_GET_NAME, name);
    printf("%s %d\n", name, prctl(-1, 1, 2, 3, 4));
    fflush(stdout);
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0)
        _exit(syscall(SYS_getpid) == getpid() ? 3 : 4);
    waitpid(pid, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
}
