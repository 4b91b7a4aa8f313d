/* SPDX-License-Identifier: MIT */
/* `tare history html`: the dashboard as one file, the same as Markdown, or the data that are in it. */
#include <errno.h>
#include <string.h>

#include "cli/history.h"
#include "view/history_page.h"

struct html {
    struct history_common common;
    struct history_judge judge;
    struct tare_history_page page;
    const char *file;
    bool markdown, data;
};

static int take_option(void *data, int id, const char *value)
{
    struct html *html = data;
    int taken = history_common_option(&html->common, id, value);
    taken = taken >= 0 ? taken : history_judge_option(&html->judge, id, value);
    if (taken >= 0) {
        return taken;
    }
    switch (id) {
    case HISTORY_MARKDOWN:
        html->markdown = true;
        return 0;
    case HISTORY_DATA:
        html->data = true;
        return 0;
    case HISTORY_TITLE:
        html->page.title = value;
        return 0;
    case HISTORY_LINK_COMMIT:
        if (!tare_history_is_link_commit(value)) {
            error("'%s' is no address of commits: it begins with http:// or https://, and has {commit} in it",
                  value);
            return EXIT_TROUBLE;
        }
        html->page.link_commit = value;
        return 0;
    case OPTION_OUTPUT:
    default:
        html->file = value;
        return 0;
    }
}

static int write_page(void *data, FILE *out)
{
    const struct html *html = data;
    return html->markdown ? tare_history_page_markdown(&html->page, out)
           : html->data   ? tare_history_page_json(&html->page, out)
                          : tare_history_page_html(&html->page, out);
}

/* "-" is standard output, which has the data and Markdown without it, too. False after an error was printed. */
static bool find_output(struct html *html)
{
    if (html->markdown && html->data) {
        error("'--markdown' and '--data' are two things: give one of them");
        return false;
    }
    if (html->file == NULL && !html->markdown && !html->data) {
        error("where to? give -o FILE, as in 'tare history html -o perf.html'; '-o -' is standard output");
        return false;
    }
    if (html->file != NULL && strcmp(html->file, "-") == 0) {
        html->file = NULL;
    }
    return html->file == NULL || output_can_write(html->file);
}

int history_html(const struct command *command, int argc, char **argv)
{
    struct html html = {0};
    int exit_code = EXIT_TROUBLE;
    history_judge_init(&html.judge);
    int operand = options_parse(command, argc, argv, take_option, &html, &exit_code);
    if (operand < 0) {
        goto out;
    }
    exit_code = EXIT_TROUBLE;
    if (!find_output(&html)) {
        goto out;
    }
    struct tare_store *store = history_open(&html.common, TARE_STORE_READ);
    bool fine = store != NULL && history_judge_read(&html.judge, &html.common, store, argv + operand);
    tare_store_close(store);
    if (fine) {
        html.page.history = &html.judge.history;
        html.page.report = &html.judge.report;
        html.page.project = html.common.project;
        html.page.branch = html.judge.judged_branch;
        html.page.made_ms = history_now_ms();
        exit_code = output_write_whole(html.file, write_page, &html) ? EXIT_FINE : EXIT_TROUBLE;
    }
out:
    history_judge_release(&html.judge);
    history_common_release(&html.common);
    return exit_code;
}
