# The command `crease`: frontends/cli/main.cpp, and everything else of that folder as a library for tests.
file(GLOB_RECURSE sources CONFIGURE_DEPENDS "frontends/cli/*.cpp")
list(FILTER sources EXCLUDE REGEX "/frontends/cli/main\\.cpp$")
if(EXISTS "${PROJECT_SOURCE_DIR}/frontends/cli/main.cpp")
  find_package(CLI11 REQUIRED)
  add_executable(crease_cli frontends/cli/main.cpp ${sources})
  set_target_properties(crease_cli PROPERTIES
    OUTPUT_NAME crease RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  target_link_libraries(crease_cli PRIVATE crease::crease CLI11::CLI11 nlohmann_json::nlohmann_json)
endif()
