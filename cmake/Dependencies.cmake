# Libraries beyond libc. The runtime needs none; what the rest needs is looked up here, once, and a missing one
# switches off its feature with a message. scripts/deps.sh knows the packages' names.

find_package(Threads REQUIRED)
find_package(PkgConfig)

include(CheckSymbolExists)

# tare_find(VARIABLE MODULE HEADERS SYMBOL what-is-lost-without-it): sets TARE_HAVE_<VARIABLE> to 0 or 1, makes
# PkgConfig::<VARIABLE>, and sets TARE_BUILD_<VARIABLE> to the version as a C string, or NULL. A symbol must link: what
# pkg-config finds may be there for another C library than the compiler's.
function(tare_find variable module headers symbol without)
    if(PkgConfig_FOUND)
        pkg_check_modules(${variable} QUIET IMPORTED_TARGET GLOBAL ${module})
    endif()
    if(${variable}_FOUND)
        set(CMAKE_REQUIRED_LIBRARIES PkgConfig::${variable})
        set(CMAKE_REQUIRED_QUIET ON)
        check_symbol_exists(${symbol} "${headers}" TARE_LINKS_${variable})
    endif()
    if(${variable}_FOUND AND TARE_LINKS_${variable})
        set(TARE_HAVE_${variable} 1 PARENT_SCOPE)
        set(TARE_BUILD_${variable} "\"${${variable}_VERSION}\"" PARENT_SCOPE)
        message(STATUS "tare: ${module} ${${variable}_VERSION}")
    else()
        set(TARE_HAVE_${variable} 0 PARENT_SCOPE)
        set(TARE_BUILD_${variable} "NULL" PARENT_SCOPE)
        message(STATUS "tare: no ${module}: ${without}")
    endif()
endfunction()

tare_find(JANSSON jansson jansson.h json_object "the command 'tare' is left out, only the libraries are built")
tare_find(LIBELF libelf "libelf.h;gelf.h" gelf_getehdr "'tare list' cannot read a program's timers without running it")
tare_find(LIBDW libdw "elfutils/libdw.h" dwarf_get_units "profiles have neither lines nor inlined calls")
tare_find(INIH inih "stddef.h;ini.h" ini_parse_stream "'tare check' cannot read a budget")
tare_find(ZLIB zlib zlib.h deflateInit2_ "'tare history' is left out, and 'tare report --format pprof' cannot be written")
tare_find(NCURSESW ncursesw "curses.h" initscr "'tare top' has no screen, only --once and --format json")
tare_find(MICROHTTPD libmicrohttpd>=0.9.75 "microhttpd.h" MHD_start_daemon "'tare serve' is left out")
tare_find(PNG libpng "png.h" png_image_write_to_file "examples/frames writes no pictures")
tare_find(LUAJIT luajit "lua.h;luajit.h" luaJIT_setmode "examples/luajit is left out")
tare_find(SQLITE sqlite3>=3.37 "sqlite3.h" sqlite3_open_v2 "'tare history' is left out")
tare_find(PQ libpq "libpq-fe.h" PQconnectdbParams "'tare history' keeps results in SQLite alone, and not on a PostgreSQL server")
tare_find(CURL libcurl>=7.85 "curl/curl.h" curl_multi_poll "'tare serve --push' is left out")

# Demangles C++ and Rust. Linked statically: its function that hands out a name in pieces, and so can be stopped, is in
# the archive alone, and the command would load all of libstdc++ for the sake of it. (GPL with the GCC Runtime Library
# Exception.)
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES supc++)
set(CMAKE_REQUIRED_QUIET ON)
check_c_source_compiles("
#include <stddef.h>
int __gcclibcxx_demangle_callback(const char *, void (*)(const char *, size_t, void *), void *);
static void take(const char *text, size_t size, void *opaque) { (void)text; (void)size; (void)opaque; }
int main(void) { return __gcclibcxx_demangle_callback(\"_Z1fv\", take, NULL); }" TARE_LINKS_SUPCXX)
unset(CMAKE_REQUIRED_LIBRARIES)
unset(CMAKE_REQUIRED_QUIET)
if(TARE_LINKS_SUPCXX)
    set(TARE_HAVE_DEMANGLE 1)
    set(TARE_BUILD_DEMANGLE "\"linked statically\"")
    message(STATUS "tare: libsupc++")
else()
    set(TARE_HAVE_DEMANGLE 0)
    set(TARE_BUILD_DEMANGLE "NULL")
    message(STATUS "tare: no libsupc++: names of C++ and Rust stay mangled")
endif()

if(TARE_BUILD_TESTS)
    tare_find(CMOCKA cmocka "stdarg.h;stddef.h;stdint.h;setjmp.h;cmocka.h" _cmocka_run_group_tests "the unit tests are left out")
    find_program(TARE_BATS bats)
    if(NOT TARE_BATS)
        message(STATUS "tare: no bats: the tests of the command are left out")
    endif()
endif()

# libtare-libc.so finds what it stands in front of by symbol versions, which musl does not have.
set(TARE_HAVE_PRELOAD 0)
if(TARE_BUILD_PRELOAD)
    set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
    set(CMAKE_REQUIRED_LIBRARIES ${CMAKE_DL_LIBS})
    check_symbol_exists(dlvsym dlfcn.h TARE_HAVE_DLVSYM)
    unset(CMAKE_REQUIRED_DEFINITIONS)
    unset(CMAKE_REQUIRED_LIBRARIES)
    if(TARE_HAVE_DLVSYM)
        set(TARE_HAVE_PRELOAD 1)
    else()
        message(STATUS "tare: no dlvsym in the C library: libtare-libc.so ('tare run --libc') is left out")
    endif()
endif()

if(NOT TARE_HAVE_JANSSON)
    set(TARE_BUILD_COMMAND OFF)
endif()
