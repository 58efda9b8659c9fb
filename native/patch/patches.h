/* TLS without a callback that we could set: libraries that are linked into a program or a library of another kind.
 *
 * What they have is a function that is told of each secret. At its start a jump is written to a few instructions of ours,
 * which hand the secret on, do what stood at the start, and go back: no system call but those of the journal, no lock, no
 * memory of the program's. Each object is looked at once: those that are there when the process begins, and each that the
 * program asks for a symbol of before it gets that. What is not known is left as it is, and told: why. */
#ifndef PLAINWIRE_PATCHES_H
#define PLAINWIRE_PATCHES_H

/* At the start, when there is but one thread. */
void patches_begin(void);

/* What dlsym(3) was given to look in. */
void patches_look(void *handle);

#endif
