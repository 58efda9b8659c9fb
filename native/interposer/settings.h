/* What plainwire tells the interposer, by environment variables; and the entries themselves, to be given to children. */
#ifndef PLAINWIRE_SETTINGS_H
#define PLAINWIRE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum { LONGEST_PATH = 4096 };

enum setting {
    KEYS,      /* PLAINWIRE_KEYS: the file for key log lines. Where it is not set, nothing is wanted of us. */
    EVENTS,    /* PLAINWIRE_EVENTS: the file for events */
    TRACE,     /* PLAINWIRE_TRACE: the file for what goes over sockets (trace.h); not set where packets are captured */
    ONLY,      /* PLAINWIRE_ONLY: "preload", "patch" or "agent" where secrets are to be had in no other way (--via) */
    BOARD,     /* PLAINWIRE_BOARD: memory that lines go to first (board.h); not set where somebody reads the files meanwhile */
    SINK,      /* PLAINWIRE_SINK: the file for both, of processes that cannot reach those (journal.h) */
    SSLKEYLOG, /* PLAINWIRE_SSLKEYLOG: what plainwire set SSLKEYLOGFILE to (keylogfile.h) */
    FILTERS,   /* PLAINWIRE_FILTERS: how many seccomp filters plainwire itself is under (sandbox.h) */
    FORBIDDEN, /* PLAINWIRE_NO_RESTORE: a program with a fresh environment is to be left alone (environment.h) */
    FOLLOW,    /* PLAINWIRE_FOLLOW: who is to be told of programs in Go (follow.h); not set where they are not patched */
    RESTORED,  /* PLAINWIRE_RESTORED: these variables were added to the environment that the process was meant to have */
    LIBRARY,   /* of LD_PRELOAD, the path of this library */
    SETTINGS,
};

/* Copies them, at load: programs change their environment, and write over the memory where it was. What was added to the
 * environment is then taken out of it, so that the program has the one that it was given. */
void settings_read(void);

/* The whole entry of a variable, "NAME=VALUE"; NULL where it is not set, and for LIBRARY. */
const char *setting_entry(enum setting which);

/* In a list as LD_PRELOAD is one: this library, by its name; NULL where it is not. */
const char *settings_ours_in(const char *list, size_t *length);

#define PRELOAD "LD_PRELOAD="
#define PRELOAD_SEPARATORS ": "

/* Whether secrets may be had by `method`: where ONLY names none, or this one. */
bool settings_allow(const char *method);

/* A variable's value; "" where it is not set, or too long for a path. */
const char *setting(enum setting which);

/* The value of any variable as it is now; NULL where it is not set. */
const char *variable(const char *name);

#endif
