/* The environment that a program is to be started with: the one that the starting program gives it, and in it
 * - our library no more, where its loader would complain of it;
 * - our library and its variables again, where they are not in it (env -i, subprocess.run(env={})); the interposer takes
 *   them out of that process's sight (settings.h);
 * - the SSLKEYLOGFILE that CPython does not see.
 */
#ifndef PLAINWIRE_ENVIRONMENT_H
#define PLAINWIRE_ENVIRONMENT_H

/* `given` where nothing is to be changed; else an array that holds until this thread asks again. It stays in the memory
 * of a parent that waits in vfork(2), and is used again there. */
char *const *environment_for(int directory, const char *path, char *const *given);

/* For the file that execvp(3) would find by `name`. */
char *const *environment_for_name(const char *name, char *const *given);

#endif
