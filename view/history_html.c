/* SPDX-License-Identifier: MIT */
/*
 * The page: web/dist/history.html, with the data where "<!-- data -->" stands, or with the address that it asks
 * for them where "<!-- live -->" stands. The data have no "<", so nothing in them ends the element that they
 * are in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/history_page.h"

extern const char tare__web_history_html[];

static const char data_place[] = "<!-- data -->", live_place[] = "<!-- live -->";

int tare_history_page_html(const struct tare_history_page *page, FILE *out)
{
    const char *live = strstr(tare__web_history_html, live_place);
    const char *data = live != NULL ? strstr(live, data_place) : NULL;
    if (data == NULL) {
        return -EINVAL;
    }
    const char *behind = live + strlen(live_place);
    fwrite(tare__web_history_html, 1, (size_t)(live - tare__web_history_html), out);
    fwrite(behind, 1, (size_t)(data - behind), out);
    fputs("<script type=\"application/json\" id=\"data\">\n", out);
    int failure = tare_history_page_json(page, out);
    if (failure != 0) {
        return failure;
    }
    fputs("</script>", out);
    fputs(data + strlen(data_place), out);
    return tare__view_finish(out);
}

char *tare_history_page_live(const char *url)
{
    char *made = NULL;
    const char *live = strstr(tare__web_history_html, live_place);
    const char *data = live != NULL ? strstr(live, data_place) : NULL;
    if (data == NULL) {
        return NULL;
    }
    const char *behind = live + strlen(live_place);
    int size = asprintf(&made, "%.*s<meta name=\"tare-live\" content=\"%s\">%.*s%s",
                        (int)(live - tare__web_history_html), tare__web_history_html, url, (int)(data - behind),
                        behind, data + strlen(data_place));
    return size >= 0 ? made : NULL;
}
