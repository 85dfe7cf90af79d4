# The target `headers` compiles every public header alone, as a user's first include and with what
# users get on their include path: a header that leans on what others included before it fails here.
set(mapwire_header_check_dir ${PROJECT_BINARY_DIR}/header_check)
add_library(headers OBJECT)
set_target_properties(headers PROPERTIES UNITY_BUILD OFF)
foreach(header IN LISTS mapwire_public_headers)
  string(MAKE_C_IDENTIFIER ${header} identifier)
  set(source ${mapwire_header_check_dir}/${identifier}.cc)
  # Included twice, for a missing include guard.
  file(CONFIGURE OUTPUT ${source}
    CONTENT "#include \"mapwire/@header@\"\n#include \"mapwire/@header@\"\n" @ONLY)
  target_sources(headers PRIVATE ${source})
endforeach()
target_link_libraries(headers PRIVATE mapwire_flags)
target_include_directories(headers PRIVATE ${mapwire_public_include_dir})
