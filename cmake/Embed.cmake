# A text file as a constant of a C program: cmake -D INPUT=FILE -D OUTPUT=FILE.c -D NAME=identifier -P
# Embed.cmake A string, so that bytes above 127 are the same whether char has a sign or not. By cmake alone: it
# needs no other tool, and is the same for each compiler and target.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${hex}")
string(REGEX REPLACE "((\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..))" "    \"\\1\"\n" text "${text}")
string(REGEX REPLACE "\n(\\\\x[^\"]*)$" "\n    \"\\1\"" text "${text}")
get_filename_component(file "${INPUT}" NAME)
file(WRITE "${OUTPUT}.part" "/* Made from ${file} by cmake/Embed.cmake. */
extern const char ${NAME}[];
const char ${NAME}[] =
${text};
")
file(RENAME "${OUTPUT}.part" "${OUTPUT}")
