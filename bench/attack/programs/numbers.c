/* Puts a file of its own under every number up to 1023, while it connects and speaks; the file stays empty. */
#define _GNU_SOURCE
#include "loopback.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    char name[] = "/tmp/plainwire-numbers-XXXXXX";
    int file = mkstemp(name), wrong = 0;
    struct stat before, after;
    unlink(name);
    fstat(file, &before);
    for (int number = 10; number < 1024; number++) {
        wrong += dup2(file, number) != number;
        if (number % 100 == 0) {
            close(refused());
            fputs("words\n", stderr);
        }
    }
    for (int number = 10; number < 1024; number++)
        wrong += fstat(number, &after) != 0 || after.st_ino != before.st_ino;
    wrong += dup3(file, 950, O_CLOEXEC) != 950;
    close(refused());
    fputs("words\n", stderr);
    fstat(file, &after);
    printf("%d wrong, %ld bytes\n", wrong, (long)after.st_size);
}
