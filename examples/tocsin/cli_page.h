/* cli_page.h - report.html with uPlot in it, made by make_page.py at build time: what comes
 * before the data and what comes behind it. */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include <stddef.h>

extern const unsigned char cli_page_head[], cli_page_tail[];
extern const size_t cli_page_head_size, cli_page_tail_size;

/* The same of gate.html. */
extern const unsigned char gate_page_head[], gate_page_tail[];
extern const size_t gate_page_head_size, gate_page_tail_size;

/* Bytes of uPlot in it; 0 where it could not be fetched. */
extern const size_t cli_page_chart_size;

#endif
