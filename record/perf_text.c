/* SPDX-License-Identifier: MIT */
/*
 * `perf script` prints for people: names may have blanks and brackets, and what is printed at all was chosen by
 * somebody else. So a head is found by what cannot be mistaken, the time ("123.456789:"), with the threads' ids
 * in front of it, and a frame by its ends: the address at the beginning, the object in brackets at the end.
 */
#include "record/perf_text.h"

#include <string.h>

enum { ADDRESS_WIDTH = 16 }; /* that addresses are padded to */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Each takes what it reads off the front of *at; false leaves it where it was. */

static bool take(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

static bool take_decimal(const char **at, uint64_t *value)
{
    const char *p = *at;
    uint64_t sum = 0;
    if (!is_digit(*p)) {
        return false;
    }
    for (; is_digit(*p); p++) {
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum)) {
            return false;
        }
    }
    *at = p;
    *value = sum;
    return true;
}

static bool take_hex(const char **at, uint64_t *value)
{
    const char *p = *at;
    uint64_t sum = 0;
    int digit;
    for (; (digit = hex_value(*p)) >= 0; p++) {
        if (p - *at >= 2 * (int)sizeof(sum)) {
            return false;
        }
        sum = sum << 4 | (uint64_t)digit;
    }
    if (p == *at) {
        return false;
    }
    *at = p;
    *value = sum;
    return true;
}

/* "0x1000", or the 0 that perf writes for "%#x" of nothing. */
static bool take_prefixed_hex(const char **at, uint64_t *value)
{
    const char *p = *at;
    take(&p, "0x");
    if (!take_hex(&p, value)) {
        return false;
    }
    *at = p;
    return true;
}

/* Of a process or thread; -1 stands for nobody. */
static bool take_id(const char **at, int64_t *id)
{
    const char *p = *at;
    bool negative = take(&p, "-");
    uint64_t value;
    if (!take_decimal(&p, &value) || value > INT32_MAX) {
        return false;
    }
    *at = p;
    *id = negative ? -1 : (int64_t)value;
    return true;
}

/* "12/34" or "12:34". */
static bool take_ids(const char **at, char between, int64_t *pid, int64_t *tid)
{
    const char *p = *at;
    if (!take_id(&p, pid) || *p != between) {
        return false;
    }
    p++;
    if (!take_id(&p, tid)) {
        return false;
    }
    *at = p;
    return true;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* "34920.470459:", of 6 or 9 digits. */
static bool take_time(const char **at, uint64_t *time_ns)
{
    const char *p = *at;
    uint64_t seconds, part = 0;
    int digits = 0;
    if (!take_decimal(&p, &seconds) || *p != '.' || seconds > UINT64_MAX / 2 / 1000000000) {
        return false;
    }
    for (p++; is_digit(*p) && digits < 9; p++, digits++) {
        part = part * 10 + (uint64_t)(*p - '0');
    }
    if (digits == 0 || *p != ':') {
        return false;
    }
    for (; digits < 9; digits++) {
        part *= 10;
    }
    *at = p + 1;
    *time_ns = seconds * 1000000000 + part;
    return true;
}

/* As a time is written, but of more seconds than can be. */
static bool is_damaged_time(const char *word, size_t length)
{
    const char *end = word + length;
    uint64_t time_ns;
    size_t seconds = strspn(word, "0123456789");
    if (seconds == 0 || word[seconds] != '.' || take_time(&word, &time_ns)) {
        return false;
    }
    const char *part = word + seconds + 1;
    return part < end - 1 && part + strspn(part, "0123456789") == end - 1;
}

/* The last word in [from, to). */
static struct tare__words last_word(const char *from, const char *to)
{
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
        to--;
    }
    const char *p = to;
    while (p > from && p[-1] != ' ' && p[-1] != '\t') {
        p--;
    }
    return (struct tare__words){p, (size_t)(to - p)};
}

static bool is_processor(struct tare__words word)
{
    if (word.length < 3 || word.text[0] != '[' || word.text[word.length - 1] != ']') {
        return false;
    }
    for (size_t i = 1; i + 1 < word.length; i++) {
        if (!is_digit(word.text[i])) {
            return false;
        }
    }
    return true;
}

/* What stands in front of the time: "command with blanks 12/34 [001]". False: that is something else. */
static bool read_left(const char *from, const char *to, struct tare__perf_head *head)
{
    head->pid = head->tid = -1;
    head->command = (struct tare__words){0};
    struct tare__words word = last_word(from, to);
    if (word.length == 0) {
        return true; /* neither was asked for */
    }
    if (is_processor(word)) {
        to = word.text;
        word = last_word(from, to);
        if (word.length == 0) {
            return true;
        }
    }
    const char *at = word.text;
    if (!take_ids(&at, '/', &head->pid, &head->tid)) {
        at = word.text;
        if (!take_id(&at, &head->tid)) {
            return false;
        }
    }
    if (at != word.text + word.length) {
        return false;
    }
    from = skip_blanks(from);
    to = word.text;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
        to--;
    }
    if (to > from) {
        head->command = (struct tare__words){from, (size_t)(to - from)};
    }
    return true;
}

/* "     100000 cpu-clock:ppp: rest". Nothing at all is fine, too: neither was asked for. */
static bool read_right(const char *at, struct tare__perf_head *head)
{
    const char *p = skip_blanks(at);
    uint64_t period;
    head->has_period = false;
    head->event = (struct tare__words){0};
    const char *number = p;
    if (take_decimal(&number, &period) && *number == ' ') {
        head->has_period = true;
        head->period = period;
        p = skip_blanks(number);
    }
    size_t length = strcspn(p, " \t");
    if (length > 1 && p[length - 1] == ':') {
        head->event = (struct tare__words){p, length - 1};
        at = p + length;
    } else if (*p == '\0') {
        at = p;
    } else if (head->has_period) {
        at = number;
    }
    head->rest = (struct tare__words){at, strlen(at)};
    return true;
}

bool tare__perf_text_head(const char *line, struct tare__perf_head *head)
{
    *head = (struct tare__perf_head){.pid = -1, .tid = -1};
    for (const char *p = skip_blanks(line); *p != '\0'; p = skip_blanks(p + strcspn(p, " \t"))) {
        const char *at = p;
        if (take_time(&at, &head->time_ns) && (*at == '\0' || *at == ' ') && read_left(line, p, head)) {
            head->has_time = true;
            return read_right(at, head);
        }
    }
    /* Without a time: the event, with ids and perhaps a period in front of it. */
    for (const char *p = skip_blanks(line); *p != '\0'; p = skip_blanks(p + strcspn(p, " \t"))) {
        size_t length = strcspn(p, " \t");
        if (length < 2 || p[length - 1] != ':') {
            continue;
        }
        if (is_damaged_time(p, length)) {
            return false;
        }
        const char *end = p;
        struct tare__words word = last_word(line, end), before = last_word(line, word.text);
        const char *number = word.text;
        uint64_t period;
        int64_t id;
        const char *ids = before.text;
        if (word.length != 0 && take_decimal(&number, &period) && number == word.text + word.length &&
            before.length != 0 && (is_processor(before) || take_id(&ids, &id))) {
            end = word.text;
        }
        bool alone = p == line && *skip_blanks(p + length) == '\0'; /* nothing but the event was asked for */
        if (read_left(line, end, head) && (head->tid >= 0 || alone)) {
            return read_right(end, head);
        }
    }
    return false;
}

/* "main+0x1f" without the offset, if there is one. */
static struct tare__words without_offset(struct tare__words symbol)
{
    size_t i = symbol.length;
    while (i > 0 && hex_value(symbol.text[i - 1]) >= 0) {
        i--;
    }
    if (i >= 4 && i < symbol.length && memcmp(symbol.text + i - 3, "+0x", 3) == 0) {
        symbol.length = i - 3;
    }
    return symbol;
}

/* Where the brackets at the end begin, or NULL: " (" in front of the object, which may itself end in " (deleted)". */
static const char *object_start(const char *from, const char *end)
{
    if (end == from || end[-1] != ')') {
        return NULL;
    }
    static const char deleted[] = " (deleted))";
    const size_t tail = sizeof(deleted) - 1;
    const char *p = end - 1;
    if ((size_t)(end - from) > tail && memcmp(end - tail, deleted, tail) == 0) {
        p = end - tail;
    }
    for (; p > from; p--) {
        if (p[0] == '(' && (p[-1] == ' ' || p[-1] == '\t')) {
            return p[1] != '*' ? p : NULL; /* else the arguments of a function */
        }
    }
    return NULL;
}

bool tare__perf_text_frame(const char *line, struct tare__perf_frame *frame)
{
    *frame = (struct tare__perf_frame){0};
    const char *at = skip_blanks(line);
    if (!take_hex(&at, &frame->ip) || (*at != '\0' && *at != ' ')) {
        return false;
    }
    at = skip_blanks(at);
    const char *end = at + strlen(at);
    while (end > at && end[-1] == ' ') {
        end--;
    }
    const char *object = *at == '(' ? (end[-1] == ')' ? at : NULL) : object_start(at, end);
    const char *symbol_end = end;
    if (object != NULL) {
        frame->object = (struct tare__words){object + 1, (size_t)(end - object) - 2};
        symbol_end = object;
        while (symbol_end > at && symbol_end[-1] == ' ') {
            symbol_end--;
        }
    }
    frame->symbol = without_offset((struct tare__words){at, (size_t)(symbol_end - at)});
    frame->inlined = frame->object.length == 7 && memcmp(frame->object.text, "inlined", 7) == 0;
    if (frame->inlined) {
        frame->object.length = 0;
    }
    if (frame->symbol.length == 9 && memcmp(frame->symbol.text, "[unknown]", 9) == 0) {
        frame->symbol.length = 0;
    }
    return true;
}

bool tare__perf_text_source(const char *line, struct tare__perf_source *source)
{
    static const char inlined[] = " (inlined)";
    const size_t tail = sizeof(inlined) - 1;
    const char *from = skip_blanks(line);
    size_t length = strlen(from);
    *source = (struct tare__perf_source){0};
    if (from == line) {
        return false;
    }
    if (length > tail && memcmp(from + length - tail, inlined, tail) == 0) {
        source->inlined = true;
        length -= tail;
    }
    const char *colon = memrchr(from, ':', length);
    uint64_t value;
    if (colon == NULL || colon == from) {
        return false;
    }
    const char *at = colon + 1;
    if (!take_decimal(&at, &value) || at != from + length || value > UINT32_MAX) {
        return false;
    }
    if (value != 0) {
        source->file = (struct tare__words){from, (size_t)(colon - from)};
        source->line = (uint32_t)value;
    }
    return true;
}

/* ---- records: --show-mmap-events and its like ---- */

/* " 7172/7172: [0x56105f044000(0x1000) @ 0x1000 fe:00 11354898 0]: r-xp /path", or with <build id>. */
static bool read_map(const char *at, struct tare__perf_record *record)
{
    at = skip_blanks(at);
    if (!take_ids(&at, '/', &record->pid, &record->tid) || !take(&at, ": [") ||
        !take_prefixed_hex(&at, &record->address) || !take(&at, "(") ||
        !take_prefixed_hex(&at, &record->size) || !take(&at, ") @ ") ||
        !take_prefixed_hex(&at, &record->offset)) {
        return false;
    }
    const char *close = strstr(at, "]: ");
    if (close == NULL) {
        return false;
    }
    const char *id = memchr(at, '<', (size_t)(close - at));
    const char *id_end = id != NULL ? memchr(id, '>', (size_t)(close - id)) : NULL;
    if (id_end != NULL) {
        record->build_id = (struct tare__words){id + 1, (size_t)(id_end - id) - 1};
    }
    at = close + 3;
    size_t rights = strcspn(at, " ");
    record->executable = memchr(at, 'x', rights) != NULL;
    at = skip_blanks(at + rights);
    record->path = (struct tare__words){at, strlen(at)};
    return record->size != 0 && record->address <= UINT64_MAX - record->size;
}

/* " exec: a name:7172/7172" */
static bool read_comm(const char *at, struct tare__perf_record *record)
{
    record->exec = take(&at, " exec");
    if (!take(&at, ": ")) {
        return false;
    }
    const char *colon = strrchr(at, ':');
    if (colon == NULL) {
        return false;
    }
    record->name = (struct tare__words){at, (size_t)(colon - at)};
    const char *ids = colon + 1;
    return take_ids(&ids, '/', &record->pid, &record->tid);
}

static bool read_fork(const char *at, struct tare__perf_record *record)
{
    int64_t parent_tid;
    return take(&at, "(") && take_ids(&at, ':', &record->pid, &record->tid) && take(&at, "):(") &&
           take_ids(&at, ':', &record->parent_pid, &parent_tid) && *at == ')';
}

static bool read_switch(const char *at, struct tare__perf_record *record)
{
    at = skip_blanks(at);
    record->in = take(&at, "IN");
    if (!record->in && !take(&at, "OUT")) {
        return false;
    }
    record->preempted = !record->in && strncmp(skip_blanks(at), "preempt", 7) == 0;
    return true;
}

bool tare__perf_text_record(const char *line, struct tare__perf_record *record)
{
    *record = (struct tare__perf_record){.pid = -1, .tid = -1, .parent_pid = -1};
    const char *at = strstr(line, "PERF_RECORD_");
    if (at == NULL || (at > line && at[-1] != ' ' && at[-1] != '\t')) {
        return false;
    }
    if (!tare__perf_text_head(line, &record->head) || record->head.command.text == at) {
        record->head = (struct tare__perf_head){.pid = -1, .tid = -1};
        read_left(line, at, &record->head);
    }
    at += strlen("PERF_RECORD_");
    bool fine = true;
    if (take(&at, "MMAP2 ") || take(&at, "MMAP ")) {
        record->kind = TARE__PERF_RECORD_MAP;
        fine = read_map(at, record);
    } else if (take(&at, "FORK")) {
        record->kind = TARE__PERF_RECORD_FORK;
        fine = read_fork(at, record);
    } else if (take(&at, "EXIT")) {
        record->kind = TARE__PERF_RECORD_EXIT;
        fine = read_fork(at, record);
    } else if (take(&at, "COMM")) {
        record->kind = TARE__PERF_RECORD_COMM;
        fine = read_comm(at, record);
    } else if (take(&at, "LOST_SAMPLES lost ") || take(&at, "LOST lost ")) {
        record->kind = TARE__PERF_RECORD_LOST;
        fine = take_decimal(&at, &record->lost);
    } else if (take(&at, "SWITCH ")) {
        record->kind = TARE__PERF_RECORD_SWITCH;
        fine = read_switch(at, record);
    }
    return fine;
}
