# Flags of our own code, never of its users.
add_library(mapwire_flags INTERFACE)
target_compile_features(mapwire_flags INTERFACE cxx_std_23)
target_compile_options(mapwire_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wswitch-enum)
# GCC 12 warns of its own std::string at -O3 (GCC bug 105651).
target_compile_options(mapwire_flags INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>)
# Of two that it finds only where several files are one: a coroutine's frame whose parameter is of a
# type of one file, and Asio 1.22's frames, which it sees freed but not taken.
set(in_batches $<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>)
target_compile_options(mapwire_flags INTERFACE
  $<${in_batches}:-Wno-subobject-linkage> $<${in_batches}:-Wno-mismatched-new-delete>)
# GCC clears a descriptor with `rep stos`, which takes longer to start than stores to end.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(clears -mmemset-strategy=vector_loop:512:noalign$<COMMA>libcall:-1:noalign)
  target_compile_options(mapwire_flags INTERFACE
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:${clears}>)
endif()
# An index out of range or an empty optional aborts, in release builds too.
target_compile_definitions(mapwire_flags INTERFACE _GLIBCXX_ASSERTIONS)
# Asio 1.22 knows coroutines on clang only with this.
target_compile_definitions(mapwire_flags INTERFACE
  ASIO_NO_DEPRECATED $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT=1>)

# The release preset optimises across files: a message passes through a dozen small functions of
# several files, and a call costs as much as what most of them do. The objects of the library hold
# machine code beside GCC's intermediate code, so that a program may link it with another compiler.
set(mapwire_fat_objects
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_INTERPROCEDURAL_OPTIMIZATION}>>:-ffat-lto-objects>)
target_compile_options(mapwire PRIVATE ${mapwire_fat_objects})

# mapwire_layer(NAME [LIBRARIES...]): adds the sources beside the caller to the library.
function(mapwire_layer name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  target_sources(mapwire PRIVATE ${sources})
  if(ARGN)
    target_link_libraries(mapwire PRIVATE ${ARGN})
  endif()
endfunction()

# Before 1.0 a new minor version may break its users.
set_target_properties(mapwire PROPERTIES VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_compile_features(mapwire PUBLIC cxx_std_23)
# Asio 1.22 frees with free() what it took with operator new, or not, by whether a standard header
# was included before it. All files that are linked together have to agree, our users' included.
target_compile_definitions(mapwire PUBLIC ASIO_STANDALONE ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_include_directories(mapwire
  PRIVATE $<BUILD_INTERFACE:${mapwire_include_dir}>
  INTERFACE $<BUILD_INTERFACE:${mapwire_public_include_dir}>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
