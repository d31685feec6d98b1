# `cmake --install`: headers, static libraries, the command, and what find_package(crease) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/crease")

# Folders keep their names under include/crease/.
# What stays out leads to LLVM, Boost or CLI11, which a user of crease need not have.
foreach(folder IN ITEMS graph autodiff jit frontends)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}")
    install(DIRECTORY ${folder} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/crease" FILES_MATCHING PATTERN "*.h"
            PATTERN "jit/emit" EXCLUDE PATTERN "frontends/cli" EXCLUDE PATTERN "graph/boost_graph.h" EXCLUDE PATTERN "graph/analysis/ball" EXCLUDE)
  endif()
endforeach()
install(DIRECTORY "${PROJECT_BINARY_DIR}/include/crease" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
# In the tree headers include each other from its root, "graph/op.h"; installed, "crease/graph/op.h": a user's project
# may have a folder `graph` of its own.
install(CODE "set(headers_dir \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/crease\")")
install(CODE [[
  file(GLOB_RECURSE headers "${headers_dir}/*.h")
  foreach(header IN LISTS headers)
    file(READ "${header}" text)
    string(REGEX REPLACE "#include \"(graph|autodiff|jit|frontends)/" "#include \"crease/\\1/" text "${text}")
    file(WRITE "${header}" "${text}")
  endforeach()
]])

install(TARGETS crease crease_graph crease_autodiff crease_jit crease_frontends EXPORT crease)
if(TARGET crease_cli)
  install(TARGETS crease_cli)
endif()
install(EXPORT crease NAMESPACE crease:: FILE creaseTargets.cmake DESTINATION "${package_dir}")
configure_package_config_file(cmake/creaseConfig.cmake.in "${PROJECT_BINARY_DIR}/creaseConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/creaseConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/creaseConfig.cmake" "${PROJECT_BINARY_DIR}/creaseConfigVersion.cmake"
        DESTINATION "${package_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES frontends/embedded/COPYING frontends/embedded/ORIGIN.md DESTINATION "${CMAKE_INSTALL_DOCDIR}/embedded")
