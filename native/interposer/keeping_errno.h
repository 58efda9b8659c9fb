/* errno is the program's: what we do beside its own calls leaves it as it was. */
#ifndef PLAINWIRE_KEEPING_ERRNO_H
#define PLAINWIRE_KEEPING_ERRNO_H

#include <errno.h>

#define KEEPING_ERRNO(action) \
    do { \
        const int error_ = errno; \
        action; \
        errno = error_; \
    } while (0)

#endif
