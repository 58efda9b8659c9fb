/* The test that runs, by pytest's word. */
#ifndef PLAINWIRE_TESTS_H
#define PLAINWIRE_TESTS_H

/* Looks at the environment, at load: a program that a test starts is the test's. */
void tests_look(void);

#endif
