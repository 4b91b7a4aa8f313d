/* SPDX-License-Identifier: MIT */
/*
 * record/sha256.h against the digests that NIST published: the examples of FIPS 180-2 (appendix B) and of the
 * "SHA-256" paper among its examples with intermediate values; and against itself, taken in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/sha256.h"

static void published_examples(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmno"
         "pqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tare_sha256 hash;
        char hex[TARE_SHA256_HEX + 1];
        tare_sha256_init(&hash);
        tare_sha256_add(&hash, cases[i].text, strlen(cases[i].text));
        tare_sha256_finish_hex(&hash, hex);
        assert_string_equal(hex, cases[i].digest);
    }
}

static void a_million_letters(void **state)
{
    (void)state;
    enum { PIECE = 1000 };
    char piece[PIECE], hex[TARE_SHA256_HEX + 1];
    struct tare_sha256 hash;
    memset(piece, 'a', sizeof piece);
    tare_sha256_init(&hash);
    for (int i = 0; i < 1000000 / PIECE; i++) {
        tare_sha256_add(&hash, piece, sizeof piece);
    }
    tare_sha256_finish_hex(&hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Lengths around the ends of blocks, where the padding takes one block or two, each added whole and in two. */
static void pieces_make_no_difference(void **state)
{
    (void)state;
    enum { LENGTH_MAX = 200 };
    uint8_t bytes[LENGTH_MAX], whole[TARE_SHA256_BYTES], pieces[TARE_SHA256_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t length = 0; length <= LENGTH_MAX; length++) {
        struct tare_sha256 hash;
        tare_sha256_init(&hash);
        tare_sha256_add(&hash, bytes, length);
        tare_sha256_finish(&hash, whole);
        for (size_t cut = 0; cut <= length; cut++) {
            tare_sha256_init(&hash);
            tare_sha256_add(&hash, bytes, cut);
            tare_sha256_add(&hash, bytes + cut, length - cut);
            tare_sha256_finish(&hash, pieces);
            assert_memory_equal(pieces, whole, sizeof whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(a_million_letters),
        cmocka_unit_test(pieces_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
