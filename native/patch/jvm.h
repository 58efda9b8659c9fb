/* Java: JSSE, the TLS of its own library, has no key log. Each secret passes through one method of it, which also knows
 * the client random. So where a program makes a virtual machine, we ask that one (JVMTI, as debuggers do) to tell when
 * the method's class is there, and put a call of ours at the method's start. Nothing of it is printed, nor seen in the
 * environment or among the options, and of a program without TLS nothing is changed. */
#ifndef PLAINWIRE_JVM_H
#define PLAINWIRE_JVM_H

/* What a program that looks for `symbol` and has found `found` is to get instead; NULL where that is nothing of ours. */
void *jvm_for(const char *symbol, void *found);

#endif
