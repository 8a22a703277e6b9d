/* cli_commands.h - the commands; each gives the program's exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli_options.h"

int cmd_detect(const cli_options *options);
int cmd_backtest(const cli_options *options);
int cmd_explain(const cli_options *options);
int cmd_catalog(const cli_options *options);
int cmd_changes(const cli_options *options);
int cmd_gate(const cli_options *options);
int cmd_run(const cli_options *options);

#endif
