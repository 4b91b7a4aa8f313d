/* SPDX-License-Identifier: MIT */
/*
 * Reads a module's sections: types, imports, functions, tables, memories and exports; all others are passed over by their
 * size. The binary format is that of the WebAssembly core specification, section 5.5: a magic number, a version, and
 * sections, each of which is an id, a size as LEB128, and so many bytes.
 */
#include "suites/syscalls/boot/module.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTION_CUSTOM = 0,
    SECTION_TYPE = 1,
    SECTION_IMPORT = 2,
    SECTION_FUNCTION = 3,
    SECTION_TABLE = 4,
    SECTION_MEMORY = 5,
    SECTION_EXPORT = 7,
    SECTION_CODE = 10,
    SECTION_DATA = 11,
    SECTION_DATA_COUNT = 12,
    SECTION_TAG = 13,

    EXTERNAL_FUNCTION = 0,
    EXTERNAL_KINDS = 5,

    TYPES_MAX = 100000,
    FUNCTIONS_MAX = 1000000,
    IMPORTS_MAX = 1000,
    EXPORTS_MAX = 10000,
    VALUES_MAX =
        1000, /* parameters of any function, or results: what the specification's implementations agree on */
};

static const char *const external_names[EXTERNAL_KINDS] = {"function", "table", "memory", "global", "tag"};

struct type {
    char text[MODULE_PARAMETERS_MAX + 8];
    bool fits; /* text is all of it */
};

struct reader {
    const uint8_t *at, *end;
    struct module *module;
    char *error;
    struct type *types;
    uint32_t type_count;
    uint32_t *functions; /* type of each, imported ones first */
    uint32_t function_count;
};

__attribute__((format(printf, 3, 4))) static int wrong(struct reader *reader, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error, MODULE_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return code;
}

static int cut(struct reader *reader)
{
    return wrong(reader, -EBADMSG, "is truncated, or no valid module");
}

static int read_byte(struct reader *reader, uint8_t *value)
{
    if (reader->at == reader->end) {
        return cut(reader);
    }
    *value = *reader->at++;
    return 0;
}

/* LEB128, of at most 32 bits. */
static int read_u32(struct reader *reader, uint32_t *value)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = 0;
        int result = read_byte(reader, &byte);
        if (result < 0) {
            return result;
        }
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *value = (uint32_t)sum;
            return sum > UINT32_MAX ? cut(reader) : 0;
        }
    }
    return cut(reader);
}

/* A count of things that take a byte each at least. */
static int read_count(struct reader *reader, uint32_t most, const char *what, uint32_t *count)
{
    int result = read_u32(reader, count);
    if (result == 0 && *count > most) {
        return wrong(reader, -ENOTSUP, "has %u %s, and at most %u are taken", *count, what, most);
    }
    if (result == 0 && *count > (size_t)(reader->end - reader->at)) {
        return cut(reader);
    }
    return result;
}

/* Neither the end of a comment, nor of a line or a string, nor a trigraph can be made of these. */
static bool harmless(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("_.$:@-+", c));
}

/* A name, as it was, where it is harmless; else *name says so with '?'. */
static int read_name(struct reader *reader, char *name, size_t room, bool *usable)
{
    uint32_t size;
    int result = read_count(reader, UINT32_MAX, "bytes", &size);
    if (result < 0) {
        return result;
    }
    *usable = size < room;
    size_t used = 0;
    for (uint32_t i = 0; i < size; i++) {
        bool good = harmless(reader->at[i]);
        *usable = *usable && good;
        if (used + 1 < room) {
            name[used++] = good ? (char)reader->at[i] : '?';
        }
    }
    name[used] = '\0';
    reader->at += size;
    return 0;
}

static int refuse_name(struct reader *reader, const char *what, const char *name)
{
    return wrong(
        reader, -ENOTSUP,
        "%s '%s': names have letters, digits and _.$:@-+ alone, and fewer than %d of them, so that they can be "
        "compiled safely",
        what, name, (int)MODULE_NAME_BYTES);
}

static char letter_of(uint8_t type)
{
    switch (type) {
    case 0x7f:
        return 'i';
    case 0x7e:
        return 'I';
    case 0x7d:
        return 'f';
    case 0x7c:
        return 'F';
    default:
        return '?';
    }
}

static int read_values(struct reader *reader, struct type *type, size_t *used)
{
    uint32_t count;
    int result = read_count(reader, VALUES_MAX, "parameters or results of one function", &count);
    for (uint32_t i = 0; i < count && result == 0; i++) {
        uint8_t value = 0;
        result = read_byte(reader, &value);
        if (*used + 1 < sizeof(type->text)) {
            type->text[(*used)++] = letter_of(value);
        } else {
            type->fits = false;
        }
    }
    return result;
}

static int read_types(struct reader *reader)
{
    uint32_t count;
    int result = read_count(reader, TYPES_MAX, "types", &count);
    if (result < 0) {
        return result;
    }
    reader->types = calloc(count + 1u, sizeof(*reader->types));
    if (reader->types == NULL) {
        return wrong(reader, -ENOMEM, "does not fit into memory");
    }
    for (uint32_t i = 0; i < count && result == 0; i++) {
        struct type *type = &reader->types[i];
        size_t used = 0;
        uint8_t form = 0;
        type->fits = true;
        result = read_byte(reader, &form);
        if (result == 0 && form != 0x60) {
            result = cut(reader);
        }
        if (result == 0) {
            result = read_values(reader, type, &used);
        }
        if (used + 1 < sizeof(type->text)) {
            type->text[used++] = ':';
        } else {
            type->fits = false;
        }
        if (result == 0) {
            result = read_values(reader, type, &used);
        }
        reader->type_count = i + 1;
    }
    return result;
}

static int add_function(struct reader *reader, uint32_t type)
{
    if (type >= reader->type_count) {
        return cut(reader);
    }
    reader->functions[reader->function_count++] = type;
    return 0;
}

static int room_for_functions(struct reader *reader, uint32_t more)
{
    uint32_t *functions =
        reallocarray(reader->functions, (size_t)reader->function_count + more + 1, sizeof(*functions));
    if (functions == NULL) {
        return wrong(reader, -ENOMEM, "does not fit into memory");
    }
    reader->functions = functions;
    return 0;
}

static int read_import(struct reader *reader)
{
    struct module_import *import = &reader->module->imports[reader->module->import_count];
    bool usable_module, usable;
    uint8_t kind = 0;
    uint32_t type = 0;
    int result = read_name(reader, import->module, sizeof(import->module), &usable_module);
    if (result == 0) {
        result = read_name(reader, import->name, sizeof(import->name), &usable);
    }
    if (result == 0) {
        result = read_byte(reader, &kind);
    }
    if (result < 0) {
        return result;
    }
    if (!usable_module || !usable) {
        return refuse_name(reader, "imports", usable_module ? import->name : import->module);
    }
    if (kind != EXTERNAL_FUNCTION) {
        return kind < EXTERNAL_KINDS
                   ? wrong(reader, -ENOTSUP, "imports the %s '%s.%s': only functions can be imported",
                           external_names[kind], import->module, import->name)
                   : cut(reader);
    }
    result = read_u32(reader, &type);
    if (result == 0) {
        result = add_function(reader, type);
    }
    if (result == 0) {
        memcpy(import->type, reader->types[type].text, sizeof(import->type));
        reader->module->import_count++;
    }
    return result;
}

static int read_imports(struct reader *reader)
{
    uint32_t count;
    int result = read_count(reader, IMPORTS_MAX, "imports", &count);
    if (result == 0) {
        result = room_for_functions(reader, count);
    }
    if (result < 0) {
        return result;
    }
    reader->module->imports = calloc(count + 1u, sizeof(*reader->module->imports));
    if (reader->module->imports == NULL) {
        return wrong(reader, -ENOMEM, "does not fit into memory");
    }
    for (uint32_t i = 0; i < count && result == 0; i++) {
        result = read_import(reader);
    }
    return result;
}

static int read_functions(struct reader *reader)
{
    uint32_t count;
    int result = read_count(reader, FUNCTIONS_MAX, "functions", &count);
    if (result == 0) {
        result = room_for_functions(reader, count);
    }
    for (uint32_t i = 0; i < count && result == 0; i++) {
        uint32_t type = 0;
        result = read_u32(reader, &type);
        if (result == 0) {
            result = add_function(reader, type);
        }
    }
    return result;
}

static int read_limits(struct reader *reader, const char *what, uint32_t *least, uint32_t *most)
{
    uint8_t flags = 0;
    int result = read_byte(reader, &flags);
    if (result == 0 && flags > 1) {
        return wrong(reader, -ENOTSUP, "has a %s that is shared or of 64 bits, which is not offered", what);
    }
    if (result == 0) {
        result = read_u32(reader, least);
    }
    *most = UINT32_MAX;
    if (result == 0 && flags == 1) {
        result = read_u32(reader, most);
    }
    if (result == 0 && *most < *least) {
        return cut(reader);
    }
    return result;
}

static int read_tables(struct reader *reader)
{
    uint32_t count;
    int result = read_count(reader, 100, "tables", &count);
    for (uint32_t i = 0; i < count && result == 0; i++) {
        uint8_t type;
        uint32_t least = 0, most;
        result = read_byte(reader, &type);
        if (result == 0) {
            result = read_limits(reader, "table", &least, &most);
        }
        reader->module->table_elements += least;
    }
    return result;
}

static int read_memories(struct reader *reader)
{
    uint32_t count;
    int result = read_count(reader, 1, "memories", &count);
    if (result == 0 && count == 1) {
        reader->module->has_memory = true;
        result =
            read_limits(reader, "memory", &reader->module->memory_pages, &reader->module->memory_max_pages);
    }
    return result;
}

static int read_export(struct reader *reader)
{
    struct module_export *export = &reader->module->exports[reader->module->export_count];
    bool usable;
    uint8_t kind = 0;
    uint32_t index = 0;
    int result = read_name(reader, export->name, sizeof(export->name), &usable);
    if (result == 0) {
        result = read_byte(reader, &kind);
    }
    if (result == 0) {
        result = read_u32(reader, &index);
    }
    if (result < 0) {
        return result;
    }
    if (!usable) {
        return refuse_name(reader, "exports", export->name);
    }
    if (kind >= EXTERNAL_KINDS || (kind == EXTERNAL_FUNCTION && index >= reader->function_count)) {
        return cut(reader);
    }
    if (kind == EXTERNAL_FUNCTION) {
        const struct type *type = &reader->types[reader->functions[index]];
        if (type->fits) {
            memcpy(export->type, type->text, sizeof(export->type));
            reader->module->export_count++;
        }
    }
    return 0;
}

static int read_exports(struct reader *reader)
{
    uint32_t count;
    int result = read_count(reader, EXPORTS_MAX, "exports", &count);
    if (result < 0) {
        return result;
    }
    reader->module->exports = calloc(count + 1u, sizeof(*reader->module->exports));
    if (reader->module->exports == NULL) {
        return wrong(reader, -ENOMEM, "does not fit into memory");
    }
    for (uint32_t i = 0; i < count && result == 0; i++) {
        result = read_export(reader);
    }
    return result;
}

static int read_section(struct reader *reader, uint8_t id)
{
    int result;
    switch (id) {
    case SECTION_TYPE:
        result = read_types(reader);
        break;
    case SECTION_IMPORT:
        result = read_imports(reader);
        break;
    case SECTION_FUNCTION:
        result = read_functions(reader);
        break;
    case SECTION_TABLE:
        result = read_tables(reader);
        break;
    case SECTION_MEMORY:
        result = read_memories(reader);
        break;
    case SECTION_EXPORT:
        result = read_exports(reader);
        break;
    default:
        reader->at = reader->end;
        return 0;
    }
    return result == 0 && reader->at != reader->end ? cut(reader) : result;
}

/* Where a section stands among the others: two of them have ids that do not say it. */
static unsigned place_of(uint8_t id)
{
    switch (id) {
    case SECTION_TAG:
        return 2 * SECTION_MEMORY + 1;
    case SECTION_DATA_COUNT:
        return 2 * SECTION_CODE - 1;
    default:
        return 2u * id;
    }
}

static int read_sections(struct reader *reader)
{
    const uint8_t *end = reader->end;
    unsigned place = 0;
    int result = 0;
    while (reader->at != end && result == 0) {
        uint8_t id = 0;
        uint32_t size = 0;
        result = read_byte(reader, &id);
        if (result == 0) {
            result = read_count(reader, UINT32_MAX, "bytes", &size);
        }
        if (result < 0) {
            break;
        }
        if (id > SECTION_TAG || (id != SECTION_CUSTOM && place_of(id) <= place)) {
            return cut(reader);
        }
        place = id == SECTION_CUSTOM ? place : place_of(id);
        const uint8_t *behind = reader->at + size;
        reader->end = behind;
        result = read_section(reader, id);
        reader->at = behind;
        reader->end = end;
    }
    return result;
}

int module_parse(const void *bytes, size_t size, struct module *module, char error[MODULE_ERROR_BYTES])
{
    static const uint8_t magic[4] = {0, 'a', 's', 'm'}, version[4] = {1, 0, 0, 0};
    struct reader reader = {
        .at = bytes, .end = (const uint8_t *)bytes + size, .module = module, .error = error};
    int result;
    *module = (struct module){.memory_max_pages = UINT32_MAX};
    error[0] = '\0';
    if (size < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0) {
        return wrong(&reader, -EBADMSG, "is no WebAssembly module");
    }
    if (size > MODULE_BYTES_MAX) {
        return wrong(&reader, -ENOTSUP, "has more than %d MiB", MODULE_BYTES_MAX >> 20);
    }
    if (size < 8 || memcmp(reader.at + sizeof(magic), version, sizeof(version)) != 0) {
        return wrong(&reader, size < 8 ? -EBADMSG : -ENOTSUP,
                     size < 8 ? "is truncated, or no valid module"
                              : "is of another version than 1, or a component");
    }
    reader.at += sizeof(magic) + sizeof(version);
    result = read_sections(&reader);
    free(reader.types);
    free(reader.functions);
    return result;
}

void module_release(struct module *module)
{
    free(module->imports);
    free(module->exports);
    *module = (struct module){0};
}
