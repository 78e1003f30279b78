/*
 * command_audit.h - what is changed from the command line is recorded like any act of a person (docs/audit.md).
 *
 *     the command's name and verb -> is it an act? -> row committed -> run -> exit status committed
 *
 * Commands that speak to the API are recorded there, by their key. The others are by the name of the system's user.
 */
#ifndef PROCESS_COMMAND_AUDIT_H
#define PROCESS_COMMAND_AUDIT_H

#include "process/command_table.h"

/* The command's exit status; 1 without having run it when it is an act that could not be recorded. argv[0] is its name. */
int command_run_audited(const struct command *command, int argc, char **argv);

#endif
