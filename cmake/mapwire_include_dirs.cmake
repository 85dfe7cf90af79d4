# Headers are included as "mapwire/<layer>/<file>.h", in the tree as after installation. There are
# two trees of links: the layers and the tests see all headers, tools/ and examples/ only those that
# users get.
include(mapwire_public_headers)

set(mapwire_include_dir ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${mapwire_include_dir}/mapwire)
foreach(layer IN ITEMS proto runtime tlb nic_fw endpoints)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${layer} ${mapwire_include_dir}/mapwire/${layer} SYMBOLIC)
endforeach()

set(mapwire_public_include_dir ${PROJECT_BINARY_DIR}/public_include)
file(REMOVE_RECURSE ${mapwire_public_include_dir})  # a header taken off the list is gone
foreach(header IN LISTS mapwire_public_headers)
  set(link ${mapwire_public_include_dir}/mapwire/${header})
  cmake_path(GET link PARENT_PATH link_dir)
  file(MAKE_DIRECTORY ${link_dir})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${header} ${link} SYMBOLIC)
endforeach()
