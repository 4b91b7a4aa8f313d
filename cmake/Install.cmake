# What `make install` puts where, and how programs find it: pkg-config (tare.pc, tare-bench.pc) and find_package(tare).
include(CMakePackageConfigHelpers)

install(TARGETS tare_shared tare_static tare_bench_archive tare_bench tare_bench_static EXPORT tareTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET tare_libc)
    install(TARGETS tare_libc tare_count tare_functions LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
if(TARGET tare_profile)
    install(TARGETS tare_profile LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
install(DIRECTORY include/tare DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
if(TARGET tare)
    install(TARGETS tare RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    install(TARGETS tare-rungs RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/tare")
    if(TARGET tare-serve)
        install(TARGETS tare-serve RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/tare")
    endif()
    if(TARGET tare-history)
        install(TARGETS tare-history RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/tare")
    endif()
endif()

# Paths in both files are relative to where the file lies, so that an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(tare_pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(tare_pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
    set(tare_pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(tare_pc_prefix "\${pcfiledir}/${up}")
    set(tare_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(tare_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
foreach(module IN ITEMS tare tare-bench)
    configure_file(${module}.pc.in ${module}.pc @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${module}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()

set(tare_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tare")
configure_package_config_file(cmake/tareConfig.cmake.in tareConfig.cmake INSTALL_DESTINATION "${tare_cmake_dir}")
write_basic_package_version_file(tareConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/tareConfig.cmake" "${PROJECT_BINARY_DIR}/tareConfigVersion.cmake"
    DESTINATION "${tare_cmake_dir}")
# shared -> tare::tare, static -> tare::tare_static
set_target_properties(tare_shared PROPERTIES EXPORT_NAME tare)
install(EXPORT tareTargets NAMESPACE tare:: DESTINATION "${tare_cmake_dir}")

# Man pages: NAME.SECTION.scd becomes NAME.SECTION. None can be missed: the list is the folder.
find_program(TARE_SCDOC scdoc)
file(GLOB tare_man_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/man/*.scd")
if(TARE_SCDOC)
    set(tare_man_pages "")
    foreach(source IN LISTS tare_man_sources)
        get_filename_component(page "${source}" NAME_WLE)
        string(REGEX REPLACE "^.*\\." "" section "${page}")
        set(output "${PROJECT_BINARY_DIR}/man/man${section}/${page}")
        add_custom_command(OUTPUT "${output}"
            COMMAND ${CMAKE_COMMAND} -E make_directory "${PROJECT_BINARY_DIR}/man/man${section}"
            COMMAND sh -c "'${TARE_SCDOC}' < '${source}' > '${output}.part' && mv '${output}.part' '${output}'"
            DEPENDS "${source}" VERBATIM)
        list(APPEND tare_man_pages "${output}")
        install(FILES "${output}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}")
    endforeach()
    add_custom_target(tare_man ALL DEPENDS ${tare_man_pages})
else()
    message(STATUS "tare: no scdoc: the man pages are left out")
endif()

if(TARGET tare)
    install(FILES completions/tare.bash DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME tare
        OPTIONAL)
    install(FILES completions/_tare DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" OPTIONAL)
endif()
# What man pages refer to.
install(FILES docs/result.schema.json docs/comparison.schema.json docs/dual.schema.json docs/live.schema.json
    docs/history-check.schema.json
    docs/history-page.schema.json
    docs/history.md docs/history-store.md docs/history-import.md docs/gates.md docs/changepoints.md docs/dashboard.md
    docs/ci.md docs/fleet.md docs/suites.md docs/benchmarks.md docs/verdicts.md docs/profiling.md
    docs/page-format.md docs/live.md docs/hotspots.md docs/serve.md docs/metrics.md docs/captures.md
    DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)
