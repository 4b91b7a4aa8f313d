/* SPDX-License-Identifier: MIT */
/*
 * From .eh_frame to rows: see profile_cfi.h. libc, with 1.4 MB of code, has 28,000 rows, which take half a
 * millisecond to make and 230 KB to keep; in return, a signal handler needs one search and no interpreter.
 */
#include "preload/profile_cfi.h"

#include <errno.h>
#include <string.h>

/* DWARF 4, 7.23 */
enum {
    OP_ADVANCE = 0x40,
    OP_OFFSET = 0x80,
    OP_RESTORE = 0xc0,
    OP_NOP = 0x00,
    OP_SET_LOC = 0x01,
    OP_ADVANCE1 = 0x02,
    OP_ADVANCE2 = 0x03,
    OP_ADVANCE4 = 0x04,
    OP_OFFSET_EXTENDED = 0x05,
    OP_RESTORE_EXTENDED = 0x06,
    OP_UNDEFINED = 0x07,
    OP_SAME_VALUE = 0x08,
    OP_REGISTER = 0x09,
    OP_REMEMBER = 0x0a,
    OP_RESTORE_STATE = 0x0b,
    OP_DEF_CFA = 0x0c,
    OP_DEF_CFA_REGISTER = 0x0d,
    OP_DEF_CFA_OFFSET = 0x0e,
    OP_DEF_CFA_EXPRESSION = 0x0f,
    OP_EXPRESSION = 0x10,
    OP_OFFSET_EXTENDED_SF = 0x11,
    OP_DEF_CFA_SF = 0x12,
    OP_DEF_CFA_OFFSET_SF = 0x13,
    OP_VAL_OFFSET = 0x14,
    OP_VAL_OFFSET_SF = 0x15,
    OP_VAL_EXPRESSION = 0x16,
    OP_NEGATE_RA_STATE = 0x2d, /* aarch64: return addresses are signed from here on */
    OP_ARGS_SIZE = 0x2e,
    OP_NEGATIVE_OFFSET = 0x2f,
};

enum { /* encodings of pointers: LSB Core 10.5 */
       ENCODED_OMIT = 0xff,
       ENCODED_FORMAT = 0x0f,
       ENCODED_RELATION = 0x70,
       ENCODED_INDIRECT = 0x80,
       ENCODED_PC = 0x10,
       ENCODED_DATA = 0x30,
};

enum { REMEMBERED = 8 /* states; compilers use one, rarely two */ };

/* A place in the image; reading beyond `end` fails, and everything behind it too. */
struct cursor {
    const uint8_t *bytes; /* of the image */
    size_t at, end;
    bool failed;
};

struct registers {
    uint64_t sp, fp, ra;
};

struct parse {
    const uint8_t *bytes;
    size_t size;
    uint64_t address;
    uint64_t header;
    struct registers registers;
    bool is_x86;
    const struct cfi_room *room;
    struct cfi_table *table;
    bool full;
};

struct place {
    uint8_t where; /* enum cfi_where */
    int64_t offset;
};

struct state {
    uint8_t cfa;           /* CFI_SP: of cfa_register; else as it is */
    uint64_t cfa_register; /* kept, though of no use to us, for a later def_cfa_offset */
    int64_t cfa_offset;
    struct place fp, ra;
    bool end;
};

struct cie {
    size_t at; /* in the image; SIZE_MAX: none yet */
    uint64_t code_align;
    int64_t data_align;
    uint8_t encoding;
    bool augmented; /* FDEs have augmentation data, too */
    bool signal;
    bool ok;
    size_t instructions, end;
    struct state initial;
};

static uint64_t take(struct cursor *cursor, unsigned size)
{
    uint64_t value = 0;
    if (cursor->failed || cursor->end - cursor->at < size) {
        cursor->failed = true;
        return 0;
    }
    memcpy(&value, cursor->bytes + cursor->at, size); /* both machines are little-endian */
    cursor->at += size;
    return value;
}

static uint64_t take_uleb(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = take(cursor, 1);
        if (cursor->failed) {
            return 0;
        }
        if (shift < 64) {
            value |= (byte & 0x7f) << shift;
        }
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
}

static int64_t take_sleb(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0;;) {
        uint64_t byte = take(cursor, 1);
        if (cursor->failed) {
            return 0;
        }
        if (shift < 64) {
            value |= (byte & 0x7f) << shift;
        }
        shift += 7;
        if ((byte & 0x80) == 0) {
            return (int64_t)((byte & 0x40) != 0 && shift < 64 ? value | ~UINT64_C(0) << shift : value);
        }
    }
}

static void skip(struct cursor *cursor, uint64_t size)
{
    if (cursor->failed || cursor->end - cursor->at < size) {
        cursor->failed = true;
        return;
    }
    cursor->at += (size_t)size;
}

static uint64_t take_format(struct cursor *cursor, uint8_t format)
{
    switch (format) {
    case 0x00: /* as wide as an address */
    case 0x04:
    case 0x0c:
        return take(cursor, 8);
    case 0x01:
        return take_uleb(cursor);
    case 0x02:
        return take(cursor, 2);
    case 0x03:
        return take(cursor, 4);
    case 0x09:
        return (uint64_t)take_sleb(cursor);
    case 0x0a:
        return (uint64_t)(int64_t)(int16_t)take(cursor, 2);
    case 0x0b:
        return (uint64_t)(int64_t)(int32_t)take(cursor, 4);
    default:
        cursor->failed = true;
        return 0;
    }
}

static uint64_t take_encoded(const struct parse *parse, struct cursor *cursor, uint8_t encoding)
{
    uint64_t here = parse->address + cursor->at;
    if (encoding == ENCODED_OMIT || (encoding & ENCODED_INDIRECT) != 0) {
        cursor->failed = true;
        return 0;
    }
    uint64_t value = take_format(cursor, encoding & ENCODED_FORMAT);
    switch (encoding & ENCODED_RELATION) {
    case 0:
        return value;
    case ENCODED_PC:
        return value + here;
    case ENCODED_DATA:
        return value + parse->header;
    default:
        cursor->failed = true;
        return 0;
    }
}

/* ---- rows ---- */

static bool fits(int64_t offset)
{
    return offset == (int32_t)offset;
}

/* What of a state a rule can say. */
static struct cfi_rule rule_of(const struct parse *parse, const struct state *state)
{
    struct cfi_rule rule = {.cfa = CFI_UNKNOWN};
    uint8_t cfa = state->cfa;
    if (state->end) {
        rule.cfa = CFI_END;
        return rule;
    }
    if (cfa == CFI_SP) {
        cfa = state->cfa_register == parse->registers.sp   ? CFI_SP
              : state->cfa_register == parse->registers.fp ? CFI_FP
                                                           : CFI_UNKNOWN;
    }
    if (cfa == CFI_UNKNOWN || state->ra.where == CFI_LOST || !fits(state->cfa_offset) ||
        !fits(state->fp.offset) || !fits(state->ra.offset)) {
        return rule;
    }
    rule.cfa = cfa;
    rule.cfa_offset = (int32_t)state->cfa_offset;
    rule.fp = state->fp.where;
    rule.fp_offset = (int32_t)state->fp.offset;
    rule.ra = state->ra.where;
    rule.ra_offset = (int32_t)state->ra.offset;
    return rule;
}

static uint32_t hash_of(const struct cfi_rule *rule)
{
    uint64_t words[2];
    _Static_assert(sizeof(words) == sizeof(*rule), "a rule is hashed as two words");
    memcpy(words, rule, sizeof(words));
    uint64_t hash = (words[0] ^ words[1] * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(hash >> 40);
}

/* The number of this rule, which is added if it is new. */
static uint32_t rule_number(struct parse *parse, const struct cfi_rule *rule)
{
    struct cfi_table *table = parse->table;
    uint32_t *buckets = parse->room->buckets;
    for (uint32_t i = hash_of(rule);; i++) { /* ends: there are more buckets than rules */
        uint32_t *bucket = &buckets[i % CFI_BUCKETS];
        if (*bucket == 0) {
            if (table->rule_count == CFI_RULES) {
                return 0;
            }
            table->rules[table->rule_count] = *rule;
            *bucket = ++table->rule_count;
            return *bucket - 1;
        }
        if (memcmp(&table->rules[*bucket - 1], rule, sizeof(*rule)) == 0) {
            return *bucket - 1;
        }
    }
}

static void add_row(struct parse *parse, uint64_t pc, uint32_t rule)
{
    struct cfi_table *table = parse->table;
    uint32_t count = table->row_count;
    uint32_t offset = (uint32_t)(pc - table->base);
    if (count > 0 && table->rows[count - 1].pc == offset) {
        count--; /* nothing was between the two */
    }
    if (count > 0 && table->rows[count - 1].rule == rule) {
        table->row_count = count;
        return;
    }
    if (count == parse->room->row_max) {
        parse->full = true;
        return;
    }
    table->rows[count] = (struct cfi_row){.pc = offset, .rule = rule};
    table->row_count = count + 1;
}

/* ---- instructions ---- */

/* A use of the frame pointer in an expression: DW_OP_bregN, where N is below 32. */
enum { BREG0 = 0x70, LIT0 = 0x30, OP_DEREF = 0x06 };

/*
 * The two expressions that compilers and linkers write for a CFA: `*(fp + n)`, and the one of .plt's stubs,
 * whose second instruction pushes: `sp + 8 + ((pc & 15) >= n) << 3`.
 */
static void cfa_expression(const struct parse *parse, struct cursor cursor, struct state *state)
{
    static const uint8_t plt[] = {0x77, 8, 0x80, 0, 0x3f, 0x1a, 0, 0x2a, 0x33, 0x24, 0x22};
    state->cfa = CFI_UNKNOWN;
    size_t size = cursor.end - cursor.at;
    const uint8_t *bytes = cursor.bytes + cursor.at;
    if (parse->is_x86 && size == sizeof(plt) && memcmp(bytes, plt, 6) == 0 &&
        memcmp(bytes + 7, plt + 7, 4) == 0 && bytes[6] >= LIT0 && bytes[6] < LIT0 + 16) {
        state->cfa = CFI_PLT;
        state->cfa_offset = bytes[6] - LIT0;
        return;
    }
    if (take(&cursor, 1) != BREG0 + parse->registers.fp) {
        return;
    }
    int64_t offset = take_sleb(&cursor);
    if (take(&cursor, 1) == OP_DEREF && !cursor.failed && cursor.at == cursor.end) {
        state->cfa = CFI_FP_DEREF;
        state->cfa_offset = offset;
    }
}

static struct place place_expression(const struct parse *parse, struct cursor cursor)
{
    if (take(&cursor, 1) == BREG0 + parse->registers.fp) {
        int64_t offset = take_sleb(&cursor);
        if (!cursor.failed && cursor.at == cursor.end) {
            return (struct place){.where = CFI_AT_FP, .offset = offset};
        }
    }
    return (struct place){.where = CFI_LOST};
}

/* The expression that stands here, which is passed over. */
static struct cursor take_expression(struct cursor *cursor)
{
    uint64_t size = take_uleb(cursor);
    struct cursor expression = *cursor;
    skip(cursor, size);
    expression.failed = cursor->failed;
    expression.end = cursor->failed ? expression.at : cursor->at;
    return expression;
}

static void set_place(const struct parse *parse, struct state *state, uint64_t number, struct place place)
{
    if (number == parse->registers.fp) {
        state->fp = place;
    } else if (number == parse->registers.ra) {
        state->ra = place;
        state->end = false;
    }
}

static void set_offset(const struct parse *parse, struct state *state, uint64_t number, int64_t offset)
{
    set_place(parse, state, number, (struct place){.where = CFI_AT_CFA, .offset = offset});
}

static void restore(const struct parse *parse, struct state *state, const struct state *initial,
                    uint64_t number)
{
    if (number == parse->registers.fp) {
        state->fp = initial->fp;
    } else if (number == parse->registers.ra) {
        state->ra = initial->ra;
        state->end = initial->end;
    }
}

static int64_t scaled(int64_t value, int64_t by)
{
    return (int64_t)((uint64_t)value * (uint64_t)by);
}

struct run {
    struct state state;
    struct state remembered[REMEMBERED];
    unsigned depth;
    uint64_t pc;
};

/*
 * One instruction that does not move the address; false: it is none that we know, or the bytes end. What says
 * that a register is somewhere we cannot follow makes it lost.
 */
static bool execute(const struct parse *parse, const struct cie *cie, struct cursor *cursor, uint8_t op,
                    struct run *run)
{
    struct state *state = &run->state;
    uint64_t number;
    switch (op) {
    case OP_NOP:
    case OP_NEGATE_RA_STATE:
        return true;
    case OP_ARGS_SIZE:
        take_uleb(cursor);
        return !cursor->failed;
    case OP_OFFSET_EXTENDED:
        number = take_uleb(cursor);
        set_offset(parse, state, number, scaled((int64_t)take_uleb(cursor), cie->data_align));
        return !cursor->failed;
    case OP_OFFSET_EXTENDED_SF:
        number = take_uleb(cursor);
        set_offset(parse, state, number, scaled(take_sleb(cursor), cie->data_align));
        return !cursor->failed;
    case OP_NEGATIVE_OFFSET:
        number = take_uleb(cursor);
        set_offset(parse, state, number, scaled(-(int64_t)(take_uleb(cursor) >> 1), 2 * cie->data_align));
        return !cursor->failed;
    case OP_RESTORE_EXTENDED:
        restore(parse, state, &cie->initial, take_uleb(cursor));
        return !cursor->failed;
    case OP_UNDEFINED:
        number = take_uleb(cursor);
        set_place(parse, state, number, (struct place){.where = CFI_LOST});
        state->end = state->end || number == parse->registers.ra;
        return !cursor->failed;
    case OP_SAME_VALUE:
        set_place(parse, state, take_uleb(cursor), (struct place){.where = CFI_SAME});
        return !cursor->failed;
    case OP_REGISTER:
    case OP_VAL_OFFSET:
    case OP_VAL_OFFSET_SF:
        number = take_uleb(cursor);
        take_uleb(cursor);
        set_place(parse, state, number, (struct place){.where = CFI_LOST});
        return !cursor->failed;
    case OP_REMEMBER:
        if (run->depth == REMEMBERED) {
            return false;
        }
        run->remembered[run->depth++] = *state;
        return true;
    case OP_RESTORE_STATE:
        if (run->depth == 0) {
            return false;
        }
        *state = run->remembered[--run->depth];
        return true;
    case OP_DEF_CFA:
    case OP_DEF_CFA_SF:
        state->cfa = CFI_SP;
        state->cfa_register = take_uleb(cursor);
        state->cfa_offset =
            op == OP_DEF_CFA ? (int64_t)take_uleb(cursor) : scaled(take_sleb(cursor), cie->data_align);
        return !cursor->failed;
    case OP_DEF_CFA_REGISTER:
        state->cfa = CFI_SP;
        state->cfa_register = take_uleb(cursor);
        return !cursor->failed;
    case OP_DEF_CFA_OFFSET:
        state->cfa_offset = (int64_t)take_uleb(cursor);
        return !cursor->failed;
    case OP_DEF_CFA_OFFSET_SF:
        state->cfa_offset = scaled(take_sleb(cursor), cie->data_align);
        return !cursor->failed;
    case OP_DEF_CFA_EXPRESSION:
        cfa_expression(parse, take_expression(cursor), state);
        return !cursor->failed;
    case OP_EXPRESSION:
        number = take_uleb(cursor);
        set_place(parse, state, number, place_expression(parse, take_expression(cursor)));
        return !cursor->failed;
    case OP_VAL_EXPRESSION:
        number = take_uleb(cursor);
        take_expression(cursor);
        set_place(parse, state, number, (struct place){.where = CFI_LOST});
        return !cursor->failed;
    default:
        return false;
    }
}

/* Where an instruction that moves the address moves it to; false: it is none. */
static bool moves(const struct parse *parse, const struct cie *cie, struct cursor *cursor, uint8_t op,
                  uint64_t pc, uint64_t *to)
{
    uint64_t delta;
    if ((op & 0xc0) == OP_ADVANCE) {
        delta = op & 0x3f;
    } else if (op == OP_ADVANCE1) {
        delta = take(cursor, 1);
    } else if (op == OP_ADVANCE2) {
        delta = take(cursor, 2);
    } else if (op == OP_ADVANCE4) {
        delta = take(cursor, 4);
    } else if (op == OP_SET_LOC) {
        *to = take_encoded(parse, cursor, cie->encoding);
        return true;
    } else {
        return false;
    }
    *to = pc + delta * cie->code_align;
    return true;
}

/* With rows for [pc, end) from `run` on; of a CIE, end is pc: there are none. False: it broke off. */
static bool interpret(struct parse *parse, const struct cie *cie, struct cursor cursor, struct run *run,
                      uint64_t end)
{
    while (cursor.at < cursor.end) {
        uint8_t op = (uint8_t)take(&cursor, 1);
        uint64_t to;
        if (moves(parse, cie, &cursor, op, run->pc, &to)) {
            if (cursor.failed || to < run->pc || to > end) {
                return false;
            }
            if (to != run->pc) {
                struct cfi_rule rule = rule_of(parse, &run->state);
                add_row(parse, run->pc, rule_number(parse, &rule));
                run->pc = to;
            }
        } else if ((op & 0xc0) == OP_OFFSET) {
            int64_t offset = scaled((int64_t)take_uleb(&cursor), cie->data_align);
            set_offset(parse, &run->state, op & 0x3f, offset);
        } else if ((op & 0xc0) == OP_RESTORE) {
            restore(parse, &run->state, &cie->initial, op & 0x3f);
        } else if (!execute(parse, cie, &cursor, op, run)) {
            return false;
        }
        if (cursor.failed) {
            return false;
        }
    }
    return true;
}

/* ---- entries ---- */

/* The length of the entry at `at`, of which the cursor then has the bytes; false: there is none. */
static bool take_entry(const struct parse *parse, uint64_t at, struct cursor *cursor)
{
    *cursor = (struct cursor){.bytes = parse->bytes, .at = (size_t)at, .end = parse->size};
    if (at >= parse->size) {
        return false;
    }
    uint64_t length = take(cursor, 4);
    if (cursor->failed || length == 0 || length == UINT32_MAX || length > cursor->end - cursor->at) {
        return false; /* the end, or of more than 4 GB */
    }
    cursor->end = cursor->at + (size_t)length;
    return true;
}

static void take_augmentation(struct cursor *cursor, const char *letters, struct cie *cie)
{
    uint64_t size = take_uleb(cursor);
    struct cursor data = *cursor;
    skip(cursor, size);
    if (cursor->failed) {
        return;
    }
    data.end = cursor->at;
    for (; *letters != '\0'; letters++) {
        if (*letters == 'R') {
            cie->encoding = (uint8_t)take(&data, 1);
        } else if (*letters == 'P') {
            uint8_t encoding = (uint8_t)take(&data, 1);
            take_format(&data, encoding & ENCODED_FORMAT);
        } else if (*letters == 'L') {
            take(&data, 1);
        } else if (*letters == 'S') {
            cie->signal = true;
        } else if (*letters != 'B') { /* B: signed return addresses, with the other key */
            break;
        }
    }
    cursor->failed = cursor->failed || data.failed;
}

static void read_cie(struct parse *parse, uint64_t at, struct cie *cie)
{
    struct cursor cursor;
    *cie = (struct cie){.at = (size_t)at};
    if (!take_entry(parse, at, &cursor) || take(&cursor, 4) != 0) {
        return;
    }
    uint64_t version = take(&cursor, 1);
    char letters[8] = "";
    size_t count = 0;
    for (uint8_t letter; (letter = (uint8_t)take(&cursor, 1)) != 0;) {
        if (cursor.failed || count == sizeof(letters) - 1) {
            return;
        }
        letters[count++] = (char)letter;
    }
    cie->code_align = take_uleb(&cursor);
    cie->data_align = take_sleb(&cursor);
    uint64_t ra = version == 1 ? take(&cursor, 1) : take_uleb(&cursor);
    if ((version != 1 && version != 3) || (letters[0] != '\0' && letters[0] != 'z') ||
        ra != parse->registers.ra) {
        return;
    }
    if (letters[0] == 'z') {
        cie->augmented = true;
        take_augmentation(&cursor, letters + 1, cie);
    }
    struct run run = {.state = {.cfa = CFI_UNKNOWN}};
    if (parse->is_x86) {
        run.state.ra = (struct place){.where = CFI_LOST}; /* no register has it */
    }
    cie->ok = !cursor.failed && interpret(parse, cie, cursor, &run, 0);
    cie->initial = run.state;
}

/* Rows of the function whose FDE lies at `at`, and an unknown one behind it. `from`: none in front of that. */
static uint64_t read_fde(struct parse *parse, uint64_t at, struct cie *cie, uint64_t from)
{
    struct cursor cursor;
    if (!take_entry(parse, at, &cursor)) {
        return from;
    }
    uint64_t id_at = cursor.at, back = take(&cursor, 4);
    if (cursor.failed || back == 0 || back > id_at) {
        return from;
    }
    if (cie->at != (size_t)(id_at - back)) {
        read_cie(parse, id_at - back, cie);
    }
    if (!cie->ok) {
        return from;
    }
    struct run run = {.state = cie->initial};
    run.pc = take_encoded(parse, &cursor, cie->encoding);
    uint64_t size = take_format(&cursor, cie->encoding & ENCODED_FORMAT);
    if (cie->augmented) {
        skip(&cursor, take_uleb(&cursor));
    }
    uint64_t base = parse->table->base;
    if (cursor.failed || run.pc < from || run.pc - base > UINT32_MAX || size == 0 ||
        size > UINT32_MAX - (run.pc - base)) {
        return from;
    }
    uint64_t end = run.pc + size;
    struct cfi_rule rule = {.cfa = CFI_SIGNAL};
    if (!cie->signal) {
        bool whole = interpret(parse, cie, cursor, &run, end);
        rule = rule_of(parse, &run.state);
        rule.cfa = whole ? rule.cfa : CFI_UNKNOWN;
    }
    if (rule.cfa == CFI_UNKNOWN) {
        rule = (struct cfi_rule){.cfa = CFI_UNKNOWN};
    }
    if (run.pc < end) {
        add_row(parse, run.pc, rule_number(parse, &rule));
    }
    add_row(parse, end, 0);
    return end;
}

int cfi_parse(const uint8_t *bytes, size_t size, uint64_t address, uint64_t header, uint64_t base,
              enum cfi_machine machine, const struct cfi_room *room, struct cfi_table *table)
{
    static const struct registers registers[] = {[CFI_X86_64] = {7, 6, 16}, [CFI_AARCH64] = {31, 29, 30}};
    struct parse parse = {
        .bytes = bytes,
        .size = size,
        .address = address,
        .header = header,
        .registers = registers[machine],
        .is_x86 = machine == CFI_X86_64,
        .room = room,
        .table = table,
    };
    *table = (struct cfi_table){.base = base, .rows = table->rows, .rules = table->rules};
    rule_number(&parse, &(struct cfi_rule){.cfa = CFI_UNKNOWN});
    if (header < address || header - address >= size) {
        return -EBADMSG;
    }
    struct cursor cursor = {.bytes = bytes, .at = (size_t)(header - address), .end = size};
    uint64_t version = take(&cursor, 1);
    uint8_t frame = (uint8_t)take(&cursor, 1), count_encoding = (uint8_t)take(&cursor, 1);
    uint8_t entries = (uint8_t)take(&cursor, 1);
    take_encoded(&parse, &cursor, frame);
    if (cursor.failed || version != 1 || entries != (ENCODED_DATA | 0x0b)) {
        return -EBADMSG; /* no search table, or not the one that all linkers make */
    }
    uint64_t count = take_encoded(&parse, &cursor, count_encoding);
    if (cursor.failed || count > (cursor.end - cursor.at) / 8) {
        return -EBADMSG;
    }
    struct cie cie = {.at = SIZE_MAX};
    uint64_t from = base;
    for (; count > 0 && !parse.full; count--) {
        take(&cursor, 4); /* where the function begins, as its FDE says too */
        uint64_t at = header + (uint64_t)(int64_t)(int32_t)take(&cursor, 4) - address;
        from = read_fde(&parse, at, &cie, from);
    }
    return parse.full ? -ENOSPC : 0;
}

/* ---- finding ---- */

uint32_t cfi_index_size(const struct cfi_table *table)
{
    return table->row_count == 0 ? 0 : (table->rows[table->row_count - 1].pc >> CFI_INDEX_SHIFT) + 1;
}

void cfi_index_make(struct cfi_table *table, uint32_t *index, uint32_t count)
{
    uint32_t row = 0;
    for (uint32_t block = 0; block < count; block++) {
        while (row + 1 < table->row_count && table->rows[row + 1].pc <= block << CFI_INDEX_SHIFT) {
            row++;
        }
        index[block] = row;
    }
    table->index = index;
    table->index_count = count;
}

const struct cfi_rule *cfi_find(const struct cfi_table *table, uint64_t pc)
{
    uint64_t offset = pc - table->base;
    uint32_t low = 0, high = table->row_count; /* the row is in [low, high) */
    if (high == 0 || offset < table->rows[0].pc || offset >= table->rows[high - 1].pc) {
        return NULL;
    }
    uint32_t block = (uint32_t)offset >> CFI_INDEX_SHIFT;
    if (block < table->index_count) {
        low = table->index[block];
        high = block + 1 < table->index_count ? table->index[block + 1] + 1 : high;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (table->rows[middle].pc <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &table->rules[table->rows[low].rule];
}
