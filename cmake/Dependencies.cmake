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
