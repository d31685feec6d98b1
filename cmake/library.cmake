# The static libraries, one per source folder, and crease::crease, which is all of them.
include(GNUInstallDirs)

# crease_library(folder PUBLIC ... PRIVATE ... HEADERS_OF ...): the library crease_<folder>, alias crease::<folder>.
# PUBLIC is what its headers need, PRIVATE what a program must link too, HEADERS_OF what only its .cpp files include.
# A folder links only those to its right: frontends -> jit -> autodiff -> graph.
function(crease_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PUBLIC;PRIVATE;HEADERS_OF")
  set(name crease_${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/frontends/cli/")
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
  else()
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    foreach(package IN LISTS arg_HEADERS_OF)
      target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:${package}>)
    endforeach()
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_include_directories(${name} PUBLIC
      "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>"
      "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  endif()
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${folder})
  add_library(crease::${folder} ALIAS ${name})
endfunction()

# crease_private_includes(folder directories...): system include directories for the folder's own .cpp files.
function(crease_private_includes folder)
  get_target_property(type crease_${folder} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    target_include_directories(crease_${folder} SYSTEM PRIVATE ${ARGN})
  endif()
endfunction()

# crease_umbrella(): the target crease::crease, and the headers <crease/crease.h> and <crease/version.h>, which
# exist under these names in the build tree as they do once installed.
function(crease_umbrella)
  add_library(crease INTERFACE)
  add_library(crease::crease ALIAS crease)
  target_link_libraries(crease INTERFACE crease_frontends)
  configure_file(cmake/crease.h.in "${PROJECT_BINARY_DIR}/include/crease/crease.h" @ONLY)
  configure_file(cmake/version.h.in "${PROJECT_BINARY_DIR}/include/crease/version.h" @ONLY)
endfunction()
