# crease_protobuf(target file): the C++ of a .proto file as part of the target; its .cpp files include it as
# <path/of/file.pb.h>. What protoc writes is not held to our warnings.
function(crease_protobuf target file)
  cmake_path(REMOVE_EXTENSION file OUTPUT_VARIABLE stem)
  set(generated "${PROJECT_BINARY_DIR}/protobuf")
  set(outputs "${generated}/${stem}.pb.cc" "${generated}/${stem}.pb.h")
  file(MAKE_DIRECTORY "${generated}")
  add_custom_command(OUTPUT ${outputs} DEPENDS "${PROJECT_SOURCE_DIR}/${file}" VERBATIM
    COMMAND protobuf::protoc "--proto_path=${PROJECT_SOURCE_DIR}" "--cpp_out=${generated}" "${file}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" COMMENT "protoc ${file}")
  set_source_files_properties(${outputs} PROPERTIES COMPILE_OPTIONS -w SKIP_LINTING ON)
  target_sources(${target} PRIVATE ${outputs})
  target_include_directories(${target} SYSTEM PRIVATE "${generated}")
endfunction()
