# The library as its users meet it: installed, moved to another place, found by find_package and by pkg-config, and linked by
# the programs of examples/. Once as this build made it, and once shared and without oneTBB, as system.cmake, which comes first, has it built.

# What the script needs to know of this build.
list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
set(installed_environment
  "CMAKE=${CMAKE_COMMAND}" "GENERATOR=${CMAKE_GENERATOR}" "TOOLCHAIN=${CMAKE_TOOLCHAIN_FILE}"
  "BUILD_TYPE=${CMAKE_BUILD_TYPE}" "C_COMPILER=${CMAKE_C_COMPILER}" "CXX_COMPILER=${CMAKE_CXX_COMPILER}"
  "C_FLAGS=${CMAKE_C_FLAGS}" "CXX_FLAGS=${CMAKE_CXX_FLAGS}" "SYSROOT=${CMAKE_SYSROOT}"
  "LIBRARY_ARCHITECTURE=${CMAKE_LIBRARY_ARCHITECTURE}" "EMULATOR=${emulator}"
  "NM=${CMAKE_NM}" "READELF=${CMAKE_READELF}" "BUILD=${PROJECT_BINARY_DIR}"
  "BUILD_SHARED=${RECTIFY_SHARED_WITHOUT_TBB}" "LIBDIR=${CMAKE_INSTALL_LIBDIR}"
  "WORK=${CMAKE_CURRENT_BINARY_DIR}/installed")

# Each step is a test, which waits for the steps named after it.
function(installed_step kind step)
  set(name installed.${kind}.${step})
  list(TRANSFORM ARGN PREPEND installed.${kind}. OUTPUT_VARIABLE earlier)
  add_test(NAME ${name} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/installed_test.sh ${kind} ${step})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${installed_environment}" SKIP_RETURN_CODE 77
    FIXTURES_SETUP ${name} FIXTURES_REQUIRED "${earlier}")
endfunction()

foreach(kind this_build shared_without_tbb)
  installed_step(${kind} install)
  installed_step(${kind} find_package install)
  installed_step(${kind} prelu_layer install find_package)
  installed_step(${kind} prelu_bf16 install find_package)
  if(kind STREQUAL "this_build" OR NOT CMAKE_CROSSCOMPILING)  # not optimized, it takes minutes in an emulator
    installed_step(${kind} train_slopes install find_package)
  endif()
  installed_step(${kind} c_project install)
  installed_step(${kind} pkg_config install)
endforeach()
set_tests_properties(installed.shared_without_tbb.install PROPERTIES FIXTURES_REQUIRED without_tbb)
