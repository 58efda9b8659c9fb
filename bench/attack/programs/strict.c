/* Allows itself read, write and _exit, and says so. Ends with 7. */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    write(2, "in strict mode\n", 15);
    syscall(SYS_exit, 7);
}
