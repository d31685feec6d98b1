# crease_embed(target symbol file): links the bytes of `file` into `target` as
#   namespace crease::embedded { extern const unsigned char <symbol>[]; extern const unsigned long <symbol>_size; }
# Plain C++ made by CMake itself: no tool beyond the compiler, no assembler syntax, any path.
# Run as a script (cmake -P) it writes that C++: takes SYMBOL, INPUT, OUTPUT.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${INPUT}" hex HEX)
  # 24 bytes a line: one endless line makes compilers slow and warnings unreadable.
  string(REPEAT "[0-9a-f]" 48 line)
  string(REGEX REPLACE "(${line})" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  file(WRITE "${OUTPUT}" "namespace crease::embedded {\n"
       "extern const unsigned char ${SYMBOL}[];\nextern const unsigned long ${SYMBOL}_size;\n"
       "const unsigned char ${SYMBOL}[] = {\n${bytes}\n};\n"
       "const unsigned long ${SYMBOL}_size = sizeof ${SYMBOL};\n}  // namespace crease::embedded\n")
  return()
endif()

set(CREASE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")
function(crease_embed target symbol file)
  cmake_path(ABSOLUTE_PATH file)
  set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded/${symbol}.cpp")
  add_custom_command(OUTPUT "${output}" VERBATIM
    COMMAND "${CMAKE_COMMAND}" -D "SYMBOL=${symbol}" -D "INPUT=${file}" -D "OUTPUT=${output}"
            -P "${CREASE_EMBED_SCRIPT}"
    DEPENDS "${file}" "${CREASE_EMBED_SCRIPT}" COMMENT "Embedding ${symbol}")
  target_sources(${target} PRIVATE "${output}")
endfunction()
