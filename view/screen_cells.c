/* SPDX-License-Identifier: MIT */
/*
 * The grid of cells, and text in it. Names come from other people's programs: nothing here is passed on that a
 * terminal would obey, or that would take another place than the grid gives it. So one code point is one cell,
 * or two where East Asian Width (Unicode annex 11) says wide; what has no width of its own is "?".
 */
#include "view/screen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"
#include "view/screen_parts.h"

int tare_screen_resize(struct tare_screen *screen, int width, int height)
{
    width = width < 0 ? 0 : width > TARE_SCREEN_WIDTH_MAX ? TARE_SCREEN_WIDTH_MAX : width;
    height = height < 0 ? 0 : height > TARE_SCREEN_HEIGHT_MAX ? TARE_SCREEN_HEIGHT_MAX : height;
    size_t count = (size_t)width * (size_t)height;
    if (screen->cells == NULL || width != screen->width || height != screen->height) {
        struct tare_screen_cell *cells = realloc(screen->cells, (count + 1) * sizeof(*cells));
        if (cells == NULL) {
            return -ENOMEM;
        }
        *screen = (struct tare_screen){.width = width, .height = height, .cells = cells};
    }
    for (size_t i = 0; i < count; i++) {
        screen->cells[i] = (struct tare_screen_cell){' ', 0};
    }
    screen->cursor_x = screen->cursor_y = -1;
    return 0;
}

void tare_screen_release(struct tare_screen *screen)
{
    free(screen->cells);
    *screen = (struct tare_screen){.cursor_x = -1, .cursor_y = -1};
}

static char *encode(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

char *tare_screen_row(const struct tare_screen *screen, int y)
{
    char *text = malloc((size_t)screen->width * 4 + 1);
    if (text == NULL) {
        return NULL;
    }
    char *to = text, *end = text;
    for (int x = 0; y >= 0 && y < screen->height && x < screen->width; x++) {
        uint32_t c = screen->cells[(size_t)y * (size_t)screen->width + (size_t)x].character;
        if (c != 0) {
            to = encode(to, c);
            end = c != ' ' ? to : end;
        }
    }
    *end = '\0';
    return text;
}

/* Ranges of wide characters, as coarse as terminals treat them. */
static bool is_wide(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
        {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x17000, 0x18aff},
        {0x1b000, 0x1b2ff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
    };
    for (size_t i = 0; c >= 0x1100 && i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Controls, and what is drawn onto the character before it, hides, or turns the direction of others around. */
static bool has_no_place(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x300, 0x36f},   {0x483, 0x489},
        {0x591, 0x5bd},   {0x5bf, 0x5c7},   {0x600, 0x605},   {0x610, 0x61c},   {0x64b, 0x65f},
        {0x670, 0x670},   {0x6d6, 0x6ed},   {0x70f, 0x74a},   {0x7a6, 0x7b0},   {0x7eb, 0x7f3},
        {0x816, 0x82d},   {0x859, 0x85b},   {0x8d3, 0x903},   {0x93a, 0x94f},   {0x951, 0x957},
        {0x962, 0x963},   {0xe31, 0xe3a},   {0xe47, 0xe4e},   {0xeb1, 0xebc},   {0xec8, 0xece},
        {0x1160, 0x11ff}, {0x135d, 0x135f}, {0x180b, 0x180f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
        {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0x20d0, 0x20ff}, {0x302a, 0x302f},
        {0x3099, 0x309a}, {0xa66f, 0xa67d}, {0xd7b0, 0xd7ff}, {0xe000, 0xf8ff}, {0xfb1e, 0xfb1e},
        {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0x10ffff},
    };
    if (c >= 0x20 && c < 0x7f) {
        return false;
    }
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* The next character as it is drawn; 0 at the end. */
static uint32_t next_character(const char **text, bool ascii, int *columns)
{
    uint32_t c;
    if (**text == '\0') {
        return 0;
    }
    size_t taken = tare__utf8_decode(*text, &c);
    *text += taken != 0 ? taken : 1;
    if (taken == 0 || has_no_place(c)) {
        c = '?';
    }
    *columns = is_wide(c) ? 2 : 1;
    if (ascii && c >= 0x80) {
        c = c == 0xb5 ? 'u' : '?';
        *columns = 1;
    }
    return c;
}

int tare__columns_of(const char *text)
{
    int sum = 0, columns = 0;
    while (next_character(&text, false, &columns) != 0) {
        sum += columns;
    }
    return sum;
}

static struct tare_screen_cell *cell_at(const struct tare__area *area, int x, int y)
{
    if (x < 0 || y < 0 || x >= area->width || y >= area->height) {
        return NULL;
    }
    int column = area->x + x, row = area->y + y;
    const struct tare_screen *screen = area->screen;
    if (column < 0 || row < 0 || column >= screen->width || row >= screen->height) {
        return NULL;
    }
    return &screen->cells[(size_t)row * (size_t)screen->width + (size_t)column];
}

void tare__put_character(const struct tare__area *area, int x, int y, uint32_t attributes, uint32_t character)
{
    struct tare_screen_cell *cell = cell_at(area, x, y);
    if (cell != NULL) {
        *cell = (struct tare_screen_cell){character, attributes};
    }
}

/* As tare__put(), without the first `skip` columns. */
static int put_from(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                    const char *text, int skip)
{
    int used = 0, columns = 0;
    for (uint32_t c; (c = next_character(&text, area->ascii, &columns)) != 0;) {
        if (skip > 0) {
            skip -= columns;
            continue;
        }
        if (used + columns > room || x + used + columns > area->width) {
            break;
        }
        tare__put_character(area, x + used, y, attributes, c);
        if (columns == 2) {
            tare__put_character(area, x + used + 1, y, attributes, 0);
        }
        used += columns;
    }
    return used;
}

int tare__put(const struct tare__area *area, int x, int y, int room, uint32_t attributes, const char *text)
{
    return put_from(area, x, y, room, attributes, text, 0);
}

static int drawn_columns(const struct tare__area *area, const char *text)
{
    int sum = 0, columns = 0;
    while (next_character(&text, area->ascii, &columns) != 0) {
        sum += columns;
    }
    return sum;
}

void tare__put_right(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                     const char *text)
{
    int columns = drawn_columns(area, text);
    if (columns <= room) {
        tare__put(area, x + room - columns, y, columns, attributes, text);
    } else {
        put_from(area, x, y, room, attributes, text, columns - room);
    }
}

static void put_cut(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                    const char *text, int parts)
{
    int columns = drawn_columns(area, text), dots = area->ascii ? 2 : 1;
    if (columns <= room || room <= dots + 2) {
        tare__put(area, x, y, room, attributes, text);
        return;
    }
    int head = (room - dots) / parts, tail = room - dots - head;
    int used = tare__put(area, x, y, head, attributes, text);
    used += tare__put(area, x + used, y, dots, attributes, area->ascii ? ".." : "\u2026");
    put_from(area, x + used, y, tail, attributes, text, columns - tail);
}

/* Names differ more often at their ends; and before their labels. */
enum { PARTS = 3, PARTS_WITH_LABELS = 6 };

void tare__put_middle(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                      const char *text)
{
    size_t length = strlen(text);
    put_cut(area, x, y, room, attributes, text,
            length > 0 && text[length - 1] == '}' ? PARTS_WITH_LABELS : PARTS);
}

void tare__screen_mark(const struct tare__area *area, int x, int y, int room, uint32_t attributes)
{
    for (int i = 0; i < room; i++) {
        struct tare_screen_cell *cell = cell_at(area, x + i, y);
        if (cell != NULL) {
            cell->attributes ^= attributes;
        }
    }
}

void tare__put_bar(const struct tare__area *area, int x, int y, int room, uint32_t attributes, double share)
{
    if (!(share > 0) || room <= 0) {
        return;
    }
    int eighths = (int)lround(fmin(share, 1) * room * 8);
    for (int i = 0; i < room && eighths > 0; i++, eighths -= 8) {
        /* U+2588 is a full block, and the ones behind it become narrower. */
        uint32_t block = eighths >= 8 ? 0x2588 : 0x2588 + (uint32_t)(8 - eighths);
        if (!area->ascii || eighths >= 4) {
            tare__put_character(area, x + i, y, attributes, area->ascii ? '#' : block);
        }
    }
}
