# Build types of this project, and what each is for. CMAKE_BUILD_TYPE picks one; CMakePresets.json has a preset of
# the same name in lower case for each. CMake's own types (Release, Debug, None) go on working.
#
#   Fast          what is shipped and what figures are measured with
#   Instrumented  the same code with frame pointers kept, so that a profiler can walk its stacks
#   Debug         asserts on, nothing optimised away
#   Asan          AddressSanitizer and UndefinedBehaviorSanitizer; a finding ends the program
#   Tsan          ThreadSanitizer

set(TARE_PROFILES Fast Instrumented Debug Asan Tsan)

get_property(tare_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT tare_multi_config AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE Fast CACHE STRING "One of ${TARE_PROFILES}, or one of CMake's own" FORCE)
    set_property(CACHE CMAKE_BUILD_TYPE PROPERTY STRINGS ${TARE_PROFILES})
endif()
string(TOLOWER "${CMAKE_BUILD_TYPE}" TARE_PROFILE)

# What a piece of build-flags.txt is for C, with any compiler: the file `tare flags` prints from.
function(tare_piece variable)
    set(flags "")
    foreach(piece IN LISTS ARGN)
        file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/build-flags.txt" line REGEX "^${piece} *\\| c [^|]*\\| \\* ")
        if(line STREQUAL "")
            message(FATAL_ERROR "build-flags.txt has no '${piece}'")
        endif()
        string(REGEX REPLACE "^[^|]*\\|[^|]*\\|[^|]*\\| *([^|]*[^| ]) *\\|.*$" "\\1" line "${line}")
        list(APPEND flags "${line}")
    endforeach()
    list(JOIN flags " " flags)
    set(${variable} "${flags}" PARENT_SCOPE)
endfunction()
tare_piece(tare_flags_fast moderate lines release) # `tare flags --profile portable`: it is given to others
tare_piece(tare_flags_instrumented moderate lines release frames)
set(tare_flags_debug "-O0 -g3")
set(tare_flags_asan
    "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all")
set(tare_flags_tsan "-O1 -g -fno-omit-frame-pointer -fsanitize=thread")
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # It warns of every fence, which it does not follow; ours order reads of another process's memory.
    string(APPEND tare_flags_tsan " -Wno-tsan")
endif()
set(tare_link_asan "-fsanitize=address,undefined")
set(tare_link_tsan "-fsanitize=thread")

foreach(profile IN LISTS TARE_PROFILES)
    string(TOLOWER ${profile} lower)
    string(TOUPPER ${profile} upper)
    foreach(language C CXX)
        set(CMAKE_${language}_FLAGS_${upper} "${tare_flags_${lower}}")
    endforeach()
    foreach(kind EXE SHARED MODULE)
        set(CMAKE_${kind}_LINKER_FLAGS_${upper} "${tare_link_${lower}}")
    endforeach()
endforeach()

# Tests that preload a library into a program that was not built for it cannot run under a sanitizer.
set(TARE_SANITIZER "")
if(TARE_PROFILE MATCHES "^(asan|tsan)$")
    set(TARE_SANITIZER ${TARE_PROFILE})
endif()
