# Defaults that crease sets only where it is the project, never for a project that contains it.
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# -O2, not CMake's -O3: the hot code is made by the JIT, so -O3 would only cost compile time.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or RelWithDebInfo" FORCE)
endif()

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CREASE_CCACHE ccache)
  if(CREASE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CREASE_CCACHE}")
  endif()
endif()
