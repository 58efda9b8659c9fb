/* Of a program in Go, which the interposer cannot be in: plainwire is told of it before it is started, and patches it when
 * it is there (acquire/go_children.py). */
#ifndef PLAINWIRE_FOLLOW_H
#define PLAINWIRE_FOLLOW_H

/* To be called by who is about to become the program of that path, relative to its folder; returns when that may go on. */
void follow_exec(const char *path);

/* The same where the path is to be found by execvp(3). */
void follow_exec_by_name(const char *name);

/* The same of a program that this thread is about to start by posix_spawn(3), and behind that. */
void follow_spawn(const char *path);
void follow_spawn_by_name(const char *name);
void follow_spawned(void);

#endif
