/* main.c - tocsin, the command line: finds the command and runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_commands.h"
#include "tocsin.h"

static const struct {
    const char *name;
    cli_command command;
    int (*run)(const cli_options *options);
    const char *summary;
} main_commands[] = {
    {"detect", CLI_DETECT, cmd_detect, "judge every point of an input as it comes"},
    {"backtest", CLI_BACKTEST, cmd_backtest, "what would have rung, at which budget"},
    {"explain", CLI_EXPLAIN, cmd_explain, "what a spec means; why an alarm rang"},
    {"gate", CLI_GATE, cmd_gate, "is this release worse than what it replaces?"},
    {"changes", CLI_CHANGES, cmd_changes, "where the level of a whole history moved for good"},
    {"run", CLI_RUN, cmd_run, "is the last run of a job like the good ones before it?"},
    {"catalog", CLI_CATALOG, cmd_catalog, "every stage and parameter a spec may name"},
};

#define MAIN_COMMANDS (sizeof main_commands / sizeof main_commands[0])

static void main_help(FILE *stream)
{
    fputs("tocsin watches metric time series and says what is unusual.\n\n"
          "    tocsin COMMAND [OPTION...] [FILE|-]\n\n",
          stream);
    for (size_t i = 0; i < MAIN_COMMANDS; i++)
        fprintf(stream, "    %-10s %s\n", main_commands[i].name, main_commands[i].summary);
    fputs("\n'tocsin COMMAND --help' tells a command's options; 'tocsin --version' the release.\n"
          "Exit codes: 0 good, 1 found, 2 undecided, 3 no data, 64 usage, 65 bad input.\n",
          stream);
}

static _Noreturn void main_unknown(const char *word)
{
    const char *names[MAIN_COMMANDS + 1] = {NULL};

    for (size_t i = 0; i < MAIN_COMMANDS; i++)
        names[i] = main_commands[i].name;
    const char *meant = cli_closest(cli_text_of(word), names);

    if (meant)
        cli_die(CLI_USAGE, "there is no command '%s'; did you mean '%s'?", word, meant);
    cli_die(CLI_USAGE, "there is no command '%s'; 'tocsin --help' lists them", word);
}

int main(int count, char **arguments)
{
    atexit(cli_flush_output);
    if (count < 2) {
        main_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0 ||
        strcmp(arguments[1], "help") == 0) {
        main_help(stdout);
        return CLI_GOOD;
    }
    if (strcmp(arguments[1], "--version") == 0 || strcmp(arguments[1], "-V") == 0) {
        printf("tocsin %s\n", tocsin_version_string());
        return CLI_GOOD;
    }
    for (size_t i = 0; i < MAIN_COMMANDS; i++) {
        if (strcmp(arguments[1], main_commands[i].name) != 0)
            continue;
        static cli_options options;     /* its texts live as long as the program */

        cli_options_read(&options, main_commands[i].command, count - 1,
                         (const char **)(arguments + 1));
        cli_catch_signals();
        return main_commands[i].run(&options);
    }
    main_unknown(arguments[1]);
}
