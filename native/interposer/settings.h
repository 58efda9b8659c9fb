/* What plainwire tells the interposer, by environment variables; and the entries themselves, to be given to children. */
#ifndef PLAINWIRE_SETTINGS_H
#define PLAINWIRE_SETTINGS_H

enum { LONGEST_PATH = 4096 };

enum setting {
    KEYS,      /* PLAINWIRE_KEYS: the file for key log lines. Where it is not set, nothing is wanted of us. */
    EVENTS,    /* PLAINWIRE_EVENTS: the file for events */
    SINK,      /* PLAINWIRE_SINK: the file for both, of processes that cannot reach those (journal.h) */
    SSLKEYLOG, /* PLAINWIRE_SSLKEYLOG: what plainwire set SSLKEYLOGFILE to (keylogfile.h) */
    FILTERS,   /* PLAINWIRE_FILTERS: how many seccomp filters plainwire itself is under (sandbox.h) */
    SETTINGS,
};

/* Copies them, at load: programs change their environment, and write over the memory where it was. */
void settings_read(void);

/* A variable's value; "" where it is not set, or too long for a path. */
const char *setting(enum setting which);

/* The value of any variable as it is now; NULL where it is not set. */
const char *variable(const char *name);

#endif
