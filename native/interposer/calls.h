/* The functions of the C library that stand in the place of the program's own: what goes over its sockets, and its
 * standard error. They tell what the kernel answered; they never change it. */
#ifndef PLAINWIRE_CALLS_H
#define PLAINWIRE_CALLS_H

/* Finds the real functions. At load; and again from any of them that is called earlier. */
void calls_resolve(void);

/* Has the process's exit status told at its end. */
void calls_watch_exit(void);

#endif
